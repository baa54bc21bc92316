import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { endWithUs } from './clean-up.js';

export type Progress = (fraction: number, note: string) => void;

type Answer<R> =
  | { readonly kind: 'progress'; readonly fraction: number; readonly note: string }
  | { readonly kind: 'done'; readonly result: R }
  | { readonly kind: 'failed'; readonly message: string };

/** A process that does one task after the other, so that what it does and holds is not mixed with ours. */
export class Child<T extends object, R> {
  private readonly process: ChildProcess;

  /** @param entry a module beside this one that calls {@link serve} */
  constructor(entry: string) {
    const file = fileURLToPath(new URL(entry, import.meta.url));
    this.process = endWithUs(fork(file, [], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }));
  }

  /** @throws Error with the message of what went wrong there */
  run(task: T, onProgress: Progress = () => undefined): Promise<R> {
    return new Promise<R>((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`A process of the bench ended (${code})`));
      const settle = (): void => {
        this.process.off('message', heard).off('exit', ended);
      };
      const heard = (message: unknown): void => {
        // Both ends are this program.
        const answer = message as Answer<R>;
        if (answer.kind === 'progress') {
          onProgress(answer.fraction, answer.note);
          return;
        }
        settle();
        if (answer.kind === 'done') resolve(answer.result);
        else reject(new Error(answer.message));
      };
      this.process.on('message', heard).once('exit', ended);
      this.process.send(task);
    });
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.process.once('exit', () => resolve());
      this.process.disconnect();
    });
  }
}

/** The other end of a {@link Child}: it ends when its parent lets go of it, or does. */
export function serve(work: (task: never, onProgress: Progress) => Promise<unknown>): void {
  const answer = (message: Answer<unknown>): void => {
    process.send?.(message);
  };
  process.on('message', (task) => {
    work(task as never, (fraction, note) => answer({ kind: 'progress', fraction, note })).then(
      (result) => answer({ kind: 'done', result }),
      (error: unknown) =>
        answer({ kind: 'failed', message: error instanceof Error ? (error.stack ?? '') : String(error) }),
    );
  });
}
