import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isSigned, readNote, type SignedNote, type VerifierKey } from './checkpoint-note.js';
import { isConsistent } from './merkle.js';
import { SHA256 } from './merkle-hashing.js';

export interface WitnessAnswer {
  /** Of HTTP, as C2SP tlog-witness has it. */
  readonly status: 200 | 400 | 403 | 409 | 422;
  readonly text: string;
}

const FILE = /^(\d{15})\.checkpoint$/;

/** Keeps checkpoints in a folder, one file each, never changed and never removed: the newest of a tree is its largest. */
export class WitnessStore {
  /** @param keys those whose signatures count; without any, what an origin is first signed with is not checked */
  constructor(
    private readonly folder: string,
    private readonly keys: readonly VerifierKey[],
  ) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  }

  /** @param body C2SP tlog-witness, add-checkpoint: `old <size>`, the proof, an empty line, the note */
  add(body: string): WitnessAnswer {
    const end = body.indexOf('\n\n');
    const [first = '', ...proof] = body.slice(0, Math.max(0, end)).split('\n');
    const [, size] = /^old (0|[1-9]\d{0,14})$/.exec(first) ?? [];
    const note = end < 0 ? undefined : tryRead(body.slice(end + 2));
    if (size === undefined || note === undefined) return { status: 400, text: 'This is no checkpoint to add' };
    if (this.keys.length > 0 && !isSigned(note, this.keys)) {
      return { status: 403, text: 'The checkpoint is not signed by a key that is known here' };
    }
    const kept = this.newest(note.origin);
    const old = Number(size);
    if (old > note.size) return { status: 400, text: 'The checkpoint is smaller than the one it should continue' };
    if (old !== (kept?.size ?? 0)) return { status: 409, text: String(kept?.size ?? 0) };
    if (kept !== undefined && !continues(kept, note, proof)) {
      return { status: 422, text: 'The checkpoint does not continue the one that is kept here' };
    }
    if (kept?.size !== note.size) this.keep(note.origin, note.size, body.slice(end + 2));
    return { status: 200, text: '' };
  }

  newest(origin: string): SignedNote | undefined {
    const folder = this.folderOf(origin);
    const last = readdirSync(folder)
      .filter((name) => FILE.test(name))
      .sort()
      .at(-1);
    return last === undefined ? undefined : readNote(readFileSync(join(folder, last), 'utf8'));
  }

  private keep(origin: string, size: number, note: string): void {
    const file = join(this.folderOf(origin), `${String(size).padStart(15, '0')}.checkpoint`);
    writeFileSync(file, note, { flag: 'wx', mode: 0o400, flush: true });
  }

  /** Of an origin's own, whatever characters it has. */
  private folderOf(origin: string): string {
    const readable = origin.replaceAll(/[^A-Za-z0-9-]+/g, '-').slice(0, 64);
    const sum = createHash('sha256').update(origin).digest('hex').slice(0, 8);
    const folder = join(this.folder, `${readable}-${sum}`);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  }
}

function tryRead(note: string): SignedNote | undefined {
  try {
    return readNote(note);
  } catch {
    return undefined;
  }
}

const continues = (kept: SignedNote, note: SignedNote, proof: readonly string[]): boolean =>
  isConsistent(
    kept,
    note,
    proof.filter((line) => line !== '').map((line) => new Uint8Array(Buffer.from(line, 'base64'))),
    SHA256,
  );
