import cliProgress from 'cli-progress';

export interface ProgressBar {
  /** @param fraction 0 to 1 */
  update(fraction: number, note: string): void;
  stop(): void;
}

/** On a terminal only: in a pipe or a log it stays silent. */
export function progressBar(title: string): ProgressBar {
  const bar = new cliProgress.SingleBar({
    format: `${title} {bar} {percentage}% | {note} | {eta_formatted} left`,
    noTTYOutput: false,
    hideCursor: true,
  });
  bar.start(1_000, 0, { note: '' });
  return {
    update: (fraction, note) => {
      bar.update(Math.round(Math.min(1, fraction) * 1_000), { note });
    },
    stop: () => {
      bar.stop();
    },
  };
}
