/** Wakes one who waits. Rung while nobody waits, it is heard at once the next time. */
export class Bell {
  private rung = false;
  private wake: (() => void) | undefined;

  ring(): void {
    this.rung = true;
    this.wake?.();
  }

  /** @returns whether it was rung, and not merely the time was over */
  async heard(withinMs = Infinity): Promise<boolean> {
    if (!this.rung) await this.wait(withinMs);
    const { rung } = this;
    this.rung = false;
    return rung;
  }

  private async wait(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
      if (Number.isFinite(ms)) timer = setTimeout(resolve, Math.max(0, ms));
    });
    clearTimeout(timer);
    this.wake = undefined;
  }
}
