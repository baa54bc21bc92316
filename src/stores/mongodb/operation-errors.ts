// How an operation can end without its result, beside what the driver throws itself.

/** The server gave no answer in the time an operation has. It may be carried out all the same. */
export class NoAnswerInTime extends Error {
  override readonly name = 'NoAnswerInTime';
}

/** The server is known to be gone: it was not asked again. */
export class KnownToBeGone extends Error {
  override readonly name = 'KnownToBeGone';
}

/** The one server that the address names answers as a secondary: what it shows may be from before. */
export class NotThePrimary extends Error {
  override readonly name = 'NotThePrimary';
}

/** The client was closed meanwhile: what was read may be the beginning alone. */
export class ClosedMeanwhile extends Error {
  override readonly name = 'ClosedMeanwhile';
}

/** Others changed the same document each time that a write was tried. */
export class OvertakenTooOften extends Error {
  override readonly name = 'OvertakenTooOften';
}

/** Name and code of what went wrong: never the driver's own error, whose message and fields may repeat a document or an address. */
export class DriverFailure extends Error {
  constructor(
    override readonly name: string,
    readonly code: string | undefined,
    message: string,
  ) {
    super(message);
  }
}

/** The server, or the driver, answered and refused: a fault of the program, or of the setup. Repeating it is of no use. */
export class RefusedByServer extends Error {
  override readonly name = 'RefusedByServer';
  /** The server's, where it gave one. */
  readonly code: string;
  constructor(cause: DriverFailure) {
    super(`The database refused an operation (${cause.message})`, { cause });
    this.code = cause.code ?? cause.name;
  }
}
