/** What was begun and must be ended, whatever happens: a client that nobody closes keeps the process from ending. */
export class Ends {
  private readonly all: (() => unknown)[] = [];

  add(end: () => unknown): void {
    this.all.push(end);
  }

  /** In reverse order, each though another fails. @throws what the first that failed threw */
  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (const end of this.all.splice(0).reverse()) {
      try {
        await end();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
  }

  /** Begins something; should that fail, ends what was begun before. */
  async orRun<T>(begin: () => Promise<T>): Promise<T> {
    try {
      return await begin();
    } catch (error) {
      await this.run().catch(() => undefined);
      throw error;
    }
  }
}
