#!/usr/bin/env node
/* eslint max-lines: off -- one file by its purpose: it is handed on with each export, and whoever gets it reads it whole */
// node verify-export.mjs [--key <verifier key>] [--checkpoint <file>] [folder]
//
// Checks an audit export without the service and without trusting it: nothing but Node (20 or later) is needed, nothing is
// fetched, and no line of this file is shared with the service that made the export. The folder is the one this file lies in
// unless named.
//
//   --key <key>          a public key that you have from elsewhere (as `GET /audit/verification` shows it); without it the keys
//                        in the export are taken, which proves nothing about who signed
//   --checkpoint <file>  a checkpoint that you have held since; may be given several times
//
// Exit codes: 0 sound, 1 manipulation, 2 gaps (something could not be shown), 3 could not run.
import { createHash, createPublicKey, verify } from 'node:crypto';
import { createReadStream, existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {{ kind: 'manipulation' | 'gap', what: string, message: string, stream?: string, revision?: number, eventId?: string }} Finding
 * @typedef {{ id: string, type: string, stream: string, revision: number, data: any, metadata: any }} Event
 * @typedef {{ hash: string, id: string, stream: string, revision: number }} Leaf
 * @typedef {{ origin: string, size: number, root: string, time: string, text: string, signatures: { name: string, id: string, bytes: Buffer }[] }} Note
 * @typedef {{ name: string, id: string, key: import('node:crypto').KeyObject }} Key
 * @typedef {{ level: number, hash: Buffer }[]} Peaks complete subtrees, the largest first
 * @typedef {{ verdict: 'sound' | 'manipulation' | 'gaps', findings: Finding[], notes: string[], events: number }} Result
 */

// ---- RFC 8785 and hashes ----

/** RFC 8785 for what JSON.parse gives: members by the UTF-16 code units of their names. @type {(value: any) => string} */
export const canonical = (value) => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const members = Object.keys(value).sort();
  return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(',')}}`;
};

/** @type {(...parts: (string | Uint8Array)[]) => Buffer} */
const sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** @type {(event: Event) => string} */
const hashOf = ({ id, type, stream, revision, data, metadata }) => {
  const { hash: _, ...rest } = metadata ?? {};
  return sha256(
    canonical({ prevHash: rest.prevHash ?? null, id, type, stream, revision, data, metadata: rest }),
  ).toString('hex');
};

// ---- RFC 9162 ----

const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);
/** @type {(left: Buffer, right: Buffer) => Buffer} */
const join2 = (left, right) => sha256(NODE, left, right);

/** @type {(peaks: Peaks, hash: string) => void} */
const grow = (peaks, hash) => {
  let top = { level: 0, hash: sha256(LEAF, Buffer.from(hash, 'hex')) };
  while (peaks.at(-1)?.level === top.level) {
    const left = peaks.pop();
    if (left !== undefined) top = { level: top.level + 1, hash: join2(left.hash, top.hash) };
  }
  peaks.push(top);
};

/** @type {(peaks: Peaks) => string} */
const rootOf = (peaks) => {
  if (peaks.length === 0) return sha256().toString('base64');
  return peaks
    .map(({ hash }) => hash)
    .reduceRight((right, left) => join2(left, right))
    .toString('base64');
};

/** The root to which an audit path leads. @type {(hash: string, index: number, size: number, path: string[]) => string} */
const rootByPath = (hash, index, size, path) => {
  /** @type {Buffer} */
  let node = sha256(LEAF, Buffer.from(hash, 'hex'));
  let [at, last] = [index, size - 1];
  for (const step of path.map((text) => Buffer.from(text, 'base64'))) {
    if (last === 0) return '';
    if (at % 2 === 1 || at === last) {
      node = join2(step, node);
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      node = join2(node, step);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 && index < size ? node.toString('base64') : '';
};

/** @type {(first: Note, second: Note, proof: string[]) => boolean} */
const continues = (first, second, proof) => {
  if (first.size === second.size) return first.root === second.root;
  if (first.size > second.size || proof.length === 0) return false;
  let [at, last] = [first.size - 1, second.size - 1];
  while (at % 2 === 1) [at, last] = [(at - 1) / 2, Math.floor(last / 2)];
  const steps = proof.map((text) => Buffer.from(text, 'base64'));
  if (at === 0) steps.unshift(Buffer.from(first.root, 'base64'));
  const [start] = steps;
  if (start === undefined) return false;
  /** @type {Buffer} */
  let older = start;
  /** @type {Buffer} */
  let newer = start;
  for (const step of steps.slice(1)) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      older = join2(step, older);
      newer = join2(step, newer);
      while (at % 2 === 0 && at !== 0) [at, last] = [at / 2, Math.floor(last / 2)];
    } else {
      newer = join2(newer, step);
    }
    [at, last] = [Math.floor(at / 2), Math.floor(last / 2)];
  }
  return last === 0 && older.toString('base64') === first.root && newer.toString('base64') === second.root;
};

// ---- C2SP signed-note and tlog-checkpoint ----

/** @type {(note: string) => Note} */
const readNote = (note) => {
  const end = note.indexOf('\n\n');
  const text = note.slice(0, end + 1);
  const [origin = '', size = '', root = '', ...extensions] = text.split('\n');
  const time = extensions.find((line) => line.startsWith('time '))?.slice(5) ?? 'an unknown time';
  const signatures = note
    .slice(end + 2)
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [, name = '', base64 = ''] = /^\u2014 (\S+) (\S+)$/.exec(line) ?? [];
      const bytes = Buffer.from(base64, 'base64');
      return { name, id: bytes.subarray(0, 4).toString('hex'), bytes: bytes.subarray(4) };
    });
  if (end < 1 || !/^\d{1,15}$/.test(size) || Buffer.from(root, 'base64').length !== 32)
    throw new Error('A checkpoint is not of the form it should have');
  return { origin, size: Number(size), root, time, text, signatures };
};

/** @type {(text: string) => Key} */
const readKey = (text) => {
  const [, name = '', id = '', base64 = ''] = /^([^\s+]+)\+([0-9a-f]{8})\+(\S+)$/.exec(text.trim()) ?? [];
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.length !== 33 || sha256(`${name}\n`, bytes).toString('hex').slice(0, 8) !== id)
    throw new Error('A verifier key is not of the form it should have');
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), bytes.subarray(1)]);
  return { name, id, key: createPublicKey({ key: der, format: 'der', type: 'spki' }) };
};

/** @type {(note: Note, keys: Key[]) => boolean} */
const isSigned = (note, keys) =>
  note.signatures.some(({ name, id, bytes }) =>
    keys.some((key) => {
      if (key.name !== note.origin || name !== key.name || id !== key.id) return false;
      return verify(null, Buffer.from(note.text), key.key, bytes);
    }),
  );

// ---- What a customer's events make of the customer ----

/** @type {(view: any, field: string, value: any) => any} */
const set = (view, field, value) => {
  const next = { ...view };
  if (value === null || value === undefined) delete next[field];
  else next[field] = value;
  return next;
};

/** What remains when a life is over. @type {(view: any, status: string) => any} */
const stub = ({ id, version, life, createdTime, updatedTime }, status) => ({
  ...{ id, version, life, createdTime, updatedTime, status, listed: status === 'erased' },
  ...{ enabled: false, requestToBeForgotten: true, sources: [], taxCertificates: [] },
});

/** @type {Record<string, (view: any, data: any, time: string) => any>} */
const EFFECTS = {
  CustomerEmailChanged: (view, { email }) => set(view, 'email', email),
  CustomerLocaleChanged: (view, { locale }) => set(view, 'locale', locale),
  CustomerTypeChanged: (view, { type }) => set(view, 'type', type),
  CustomerEnabled: (view) => ({ ...view, enabled: true }),
  CustomerDisabled: (view) => ({ ...view, enabled: false }),
  CustomerShippingChanged: (view, { shipping }) => set(view, 'shipping', shipping),
  CustomerMetadataChanged: (view, { metadata }) => set(view, 'metadata', metadata),
  TaxCertificateAdded: (view, { taxCertificate }) => ({
    ...view,
    taxCertificates: [...view.taxCertificates, taxCertificate],
  }),
  SourceAttached: (view, { sourceId: id, ...facts }, createdTime) => ({
    ...view,
    sources: [...view.sources, { id, ...facts, createdTime }],
  }),
  SourceDetached: (view, { sourceId }) => ({
    ...view,
    sources: view.sources.filter((/** @type {{ id: string }} */ { id }) => id !== sourceId),
  }),
  DefaultSourceChanged: (view, { sourceId }) => set(view, 'defaultSourceId', sourceId),
  ForgetRequested: (view, { dueAt }) => ({ ...view, requestToBeForgotten: true, forgetDueAt: dueAt }),
  ForgetRequestWithdrawn: (view) => set({ ...view, requestToBeForgotten: false }, 'forgetDueAt', null),
  LegalHoldPlaced: (view) => ({ ...view, legalHold: true }),
  LegalHoldLifted: (view) => set(view, 'legalHold', null),
  CustomerErased: (view) => stub(view, 'erased'),
  CustomerDeleted: (view) => stub(view, 'deleted'),
};

/** Types of the events of customers that are known here. @type {readonly string[]} */
export const KNOWN_TYPES = ['CustomerCreated', ...Object.keys(EFFECTS)];

/** @type {(view: any, event: Event) => any} */
export const replay = (view, { stream, type, revision, data, metadata }) => {
  const time = new Date(metadata.at).toISOString();
  if (type === 'CustomerCreated') {
    const id = stream.slice('customer-'.length);
    const life = (view?.life ?? 0) + 1;
    return {
      ...data,
      ...{ id, version: revision, status: 'active', life, listed: true, createdTime: time, updatedTime: time },
      ...{ requestToBeForgotten: false, sources: [], taxCertificates: [] },
    };
  }
  return { ...EFFECTS[type]?.({ ...view }, data, time), version: revision, updatedTime: time };
};

// ---- The check ----

/** @type {(text: string) => any} */
const parsed = (text) => {
  try {
    const value = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
};

/** The objects of a file of JSON lines. What is none is told, and passed over. @type {(check: Check, folder: string, file: string) => AsyncGenerator<any>} */
async function* linesOf(check, folder, file) {
  if (!existsSync(join(folder, file))) return;
  const input = createReadStream(join(folder, file));
  const hash = createHash('sha256');
  input.on('data', (chunk) => hash.update(chunk));
  let number = 0;
  for await (const line of createInterface({ input, crlfDelay: Infinity })) {
    number += 1;
    if (line === '') continue;
    const value = parsed(line);
    if (value === null) check.find('manipulation', 'unreadable', `Line ${number} of ${file} can not be read`);
    else yield value;
  }
  check.sums.set(file, hash.digest('hex'));
}

/** Some of a sequence, looked at before it is taken. @template T */
class Ahead {
  /** @param {AsyncIterator<T>} iterator */
  constructor(iterator) {
    this.iterator = iterator;
    /** @type {T[]} */
    this.items = [];
  }
  /** @param {number} count */
  async fill(count) {
    while (this.items.length < count) {
      const { done, value } = await this.iterator.next();
      if (done) break;
      this.items.push(value);
    }
    return this.items.slice(0, count);
  }
  /** @param {number} count */
  take(count) {
    return this.items.splice(0, count);
  }
}

const WINDOW = 1000;
const TOLD = 100;

class Check {
  constructor() {
    /** @type {Finding[]} */
    this.findings = [];
    this.untold = 0;
    /** Of all findings, told or not. @type {Result['verdict']} */
    this.verdict = 'sound';
    /** @type {Map<string, string>} SHA-256 of the files that were read, by name */
    this.sums = new Map();
    /** @type {string[]} */
    this.notes = [];
    this.events = 0;
    /** @type {Map<string, { revision: number, hash: string }>} */
    this.chains = new Map();
    /** @type {Map<string, any>} the views to compare, by customer */
    this.views = new Map();
    /** @type {Map<string, any>} what the events make, by customer */
    this.made = new Map();
    /** @type {string | undefined} the last event that all views are to hold */
    this.through = undefined;
    /** @type {Map<string, { revision: number }>} the streams as they were at that event */
    this.due = new Map();
    /** @type {Set<string>} streams of customers with events that are not known here, and so can not be replayed */
    this.unknown = new Set();
  }

  /** @type {(kind: Finding['kind'], what: string, message: string, event?: { stream: string, revision: number, id?: string }) => void} */
  find(kind, what, message, event) {
    if (kind === 'manipulation') this.verdict = 'manipulation';
    else if (this.verdict === 'sound') this.verdict = 'gaps';
    if (this.findings.length >= TOLD) {
      this.untold += 1;
      return;
    }
    const named = event && { stream: event.stream, revision: event.revision, ...(event.id && { eventId: event.id }) };
    this.findings.push({ kind, what, message, ...named });
  }

  /** The event by itself, and after the one before it in its stream. @type {(event: Event, isWhole: boolean) => string} */
  meet(event, isWhole) {
    this.events += 1;
    const hash = hashOf(event);
    const told = event.metadata?.hash;
    if (hash !== told) this.find('manipulation', 'changed', 'The event is not what its hash says', event);
    const before = this.chains.get(event.stream);
    const follows = before === undefined ? !isWhole || event.revision === 0 : event.revision === before.revision + 1;
    if (!follows)
      this.find('manipulation', 'chain', 'An event is missing before this one, or this one is out of place', event);
    else if ((before !== undefined || isWhole) && (event.metadata?.prevHash ?? null) !== (before?.hash ?? null))
      this.find('manipulation', 'chain', 'The event does not follow from the one before it', event);
    this.chains.set(event.stream, { revision: event.revision, hash: told });
    if (this.through !== undefined && event.id === this.through) this.due = new Map(this.chains);
    return hash === told ? hash : `${hash}00`;
  }

  /** @type {(event: Event) => void} */
  replay(event) {
    const id = event.stream.slice('customer-'.length);
    const view = this.views.get(id);
    if (view === undefined || event.revision > view.version) return;
    const { type } = event;
    if (!KNOWN_TYPES.includes(type)) {
      this.views.delete(id);
      this.unknown.add(event.stream);
      const message = `This verifier does not know events of the type ${type}: the view of the customer is not checked`;
      this.find('gap', 'view', message, event);
      return;
    }
    try {
      this.made.set(id, replay(this.made.get(id), event));
    } catch {
      this.made.delete(id);
    }
  }
}

/** Lays the events beside the leaves of the tree, in order. @type {(check: Check, folder: string, marks: Map<number, string>) => Promise<{ log: Map<number, string>, tree: Map<number, string>, leafAt: Map<number, Leaf>, size: number, doubts: Finding[] }>} */
async function align(check, folder, marks) {
  /** @type {Ahead<Event>} */
  const events = new Ahead(linesOf(check, folder, 'events.jsonl'));
  /** @type {Ahead<Leaf>} */
  const leaves = new Ahead(linesOf(check, folder, 'leaves.jsonl'));
  /** @type {Map<string, Leaf>} */
  const gone = new Map();
  /** @type {Map<string, Event>} */
  const extra = new Map();
  /** @type {{ peaks: Peaks, size: number, roots: Map<number, string> }} */
  const log = { peaks: [], size: 0, roots: new Map() };
  /** @type {{ peaks: Peaks, size: number, roots: Map<number, string> }} */
  const tree = { peaks: [], size: 0, roots: new Map() };
  /** @type {Map<number, Leaf>} */
  const leafAt = new Map();
  /** @type {Finding[]} */
  const doubts = [];
  /** @type {(what: string, message: string, at: { stream: string, revision: number, id: string }) => void} */
  const doubt = (what, message, { stream, revision, id }) => {
    doubts.push({ kind: 'manipulation', what, message, stream, revision, eventId: id });
  };
  /** @type {(side: typeof log, hash: string) => void} */
  const add = (side, hash) => {
    grow(side.peaks, hash);
    side.size += 1;
    if (marks.has(side.size)) side.roots.set(side.size, rootOf(side.peaks));
  };
  /** @type {(leaf: Leaf) => void} */
  const passLeaf = (leaf) => {
    if (tree.size === 0 || marks.has(tree.size)) leafAt.set(tree.size, leaf);
    add(tree, leaf.hash);
  };
  /** @type {(event: Event) => string} */
  const passEvent = (event) => {
    const hash = check.meet(event, true);
    add(log, hash);
    if (typeof event.stream === 'string' && event.stream.startsWith('customer-')) check.replay(event);
    return hash;
  };
  for (;;) {
    const [[event], [leaf]] = [await events.fill(1), await leaves.fill(1)];
    if (event === undefined && leaf === undefined) break;
    if (event !== undefined && leaf !== undefined && event.id === leaf.id) {
      passLeaf(leaf);
      if (passEvent(event) !== leaf.hash) doubt('changed', 'The event is not the one that the tree holds', leaf);
      events.take(1);
      leaves.take(1);
      continue;
    }
    const [some, others] = [await events.fill(WINDOW), await leaves.fill(WINDOW)];
    const places = new Map(others.map(({ id }, at) => [id, at]));
    let best = [some.length, others.length];
    for (const [at, { id }] of some.entries()) {
      const place = places.get(id);
      if (place !== undefined && at + place < (best[0] ?? 0) + (best[1] ?? 0)) best = [at, place];
    }
    for (const each of events.take(best[0] ?? 0)) {
      passEvent(each);
      const counterpart = gone.get(each.id);
      if (counterpart === undefined) extra.set(each.id, each);
      else if (gone.delete(each.id)) doubt('moved', 'The event stands at another place than it did', counterpart);
    }
    for (const each of leaves.take(best[1] ?? 0)) {
      passLeaf(each);
      if (extra.delete(each.id)) doubt('moved', 'The event stands at another place than it did', each);
      else gone.set(each.id, each);
    }
  }
  for (const leaf of gone.values())
    doubt('missing', 'The event is in the tree and not in the log: it was removed', leaf);
  for (const event of extra.values()) doubt('inserted', 'The event is in the log and not in the tree', event);
  return { log: log.roots, tree: tree.roots, leafAt, size: tree.size, doubts };
}

/** @type {(check: Check, folder: string, note: Note, held: Note[]) => Promise<void>} */
async function checkWhole(check, folder, note, held) {
  const marks = new Map([note, ...held].map(({ size, root }) => [size, root]));
  const { log, tree, leafAt, size, doubts } = await align(check, folder, marks);
  // Where the events are what was signed, the list of leaves was altered, and not they.
  const isLogSound = log.get(note.size) === note.root;
  for (const finding of doubts) {
    const message = isLogSound
      ? 'The leaf listed for this event is not its own; the event is as signed'
      : finding.message;
    const { stream = '', revision = 0, eventId = '' } = finding;
    check.find('manipulation', isLogSound ? 'tree' : finding.what, message, { stream, revision, id: eventId });
  }
  let vouched = 0;
  for (const each of [...held, note].sort((a, b) => a.size - b.size)) {
    const what = `The checkpoint of ${each.time} over ${each.size} events`;
    if (each.origin !== note.origin)
      check.find('manipulation', 'rewritten', `${what} is of another tree: this one was begun anew`);
    else if (each.size > size && log.get(each.size) !== each.root)
      check.find(
        'manipulation',
        'rewritten',
        `${what} covers more than there is: the log was cut off`,
        leafAt.get(vouched),
      );
    else if (tree.get(each.size) === each.root || (isLogSound && log.get(each.size) === each.root)) vouched = each.size;
    else {
      const range = `something between leaf ${vouched} and leaf ${each.size - 1} is not as it was`;
      check.find('manipulation', 'rewritten', `${what} is not that of this tree: ${range}`, leafAt.get(vouched));
    }
  }
}

/** Events that were picked out, each with its way to the root. @type {(check: Check, folder: string, note: Note, held: Note[], manifest: any) => Promise<void>} */
async function checkSelection(check, folder, note, held, manifest) {
  const proofs = new Ahead(linesOf(check, folder, 'proofs.jsonl'));
  for await (const event of linesOf(check, folder, 'events.jsonl')) {
    await proofs.fill(1);
    const [proof] = proofs.take(1);
    const hash = check.meet(event, manifest.wholeStream === event.stream);
    if (typeof event.stream === 'string' && event.stream.startsWith('customer-')) check.replay(event);
    if (proof === undefined || proof.path === undefined)
      check.find('gap', 'unproven', 'The event is not in the tree of the checkpoint', event);
    else if (rootByPath(hash, proof.index, note.size, proof.path) !== note.root)
      check.find('manipulation', 'changed', 'The event is not the one that the tree holds at its place', event);
  }
  const [left] = await proofs.fill(1);
  if (left !== undefined) check.find('manipulation', 'missing', 'There are more proofs than events');
  for (let some = [left]; some.length > 0; some = await proofs.fill(WINDOW)) proofs.take(WINDOW);
  for (const each of held) {
    const proof = (manifest.consistency ?? []).find((/** @type {{ size: number }} */ { size }) => size === each.size);
    const what = `The checkpoint of ${each.time} over ${each.size} events`;
    if (each.origin !== note.origin) check.find('manipulation', 'rewritten', `${what} is of another tree`);
    else if (proof === undefined && each.size !== note.size)
      check.find('gap', 'unproven', `${what}: the export holds no proof that its tree continues it`);
    else if (!continues(each, note, proof?.path ?? []))
      check.find('manipulation', 'rewritten', `${what} is not continued by the tree of this export`);
  }
}

/** @type {(check: Check, manifest: any) => void} */
function compareViews(check, manifest) {
  for (const [id, view] of check.views) {
    const made = check.made.get(id);
    const at = { stream: `customer-${id}`, revision: view.version };
    if (view.version < (check.due.get(at.stream)?.revision ?? -1))
      check.find('manipulation', 'view', 'The view lacks what it held before: it was set back', at);
    if (made !== undefined && canonical(made) === canonical(view)) continue;
    const isNewer = (made?.version ?? -1) < view.version && manifest.views?.withinLog !== true;
    if (isNewer) check.find('gap', 'view', 'The view is newer than the events of this export', at);
    else check.find('manipulation', 'view', 'The view is not what follows from the events', at);
  }
  if (manifest.kind !== 'whole') return;
  for (const [stream, { revision }] of check.chains) {
    if (!String(stream).startsWith('customer-') || check.views.has(stream.slice('customer-'.length))) continue;
    if (check.unknown.has(stream)) continue;
    if (manifest.views?.withinLog === true)
      check.find('manipulation', 'view', 'The customer has no view', { stream, revision });
  }
}

/**
 * @param {string} folder
 * @param {{ keys?: string[], checkpoints?: string[] }} [trusted] keys and checkpoints (their text) that come from elsewhere
 * @returns {Promise<Result>}
 */
export async function verifyExport(folder, { keys = [], checkpoints = [] } = {}) {
  const check = new Check();
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  if (manifest.format !== 'customers-audit-export/1') throw new Error('This is no export that this verifier knows');
  const note = readNote(readFileSync(join(folder, 'checkpoint.txt'), 'utf8'));
  const held = checkpoints.map(readNote);
  const known = (keys.length > 0 ? keys : manifest.keys).map(readKey);
  if (keys.length === 0)
    check.notes.push('The keys come with the export: compare them with those you have from elsewhere.');
  if (held.length === 0)
    check.notes.push(
      'No checkpoint held outside was given: whoever has the data and the signing key can rewrite both.',
    );
  for (const each of [note, ...held]) {
    const whose = each === note ? 'The checkpoint of the export' : 'A checkpoint held outside';
    if (!isSigned(each, known)) check.find('manipulation', 'checkpoint', `${whose} is not signed by a known key`);
  }
  check.through = manifest.views?.through;
  for await (const view of linesOf(check, folder, 'views.jsonl')) check.views.set(view.id, view);
  if (manifest.kind === 'whole') await checkWhole(check, folder, note, held);
  else {
    check.notes.push('This is a selection: it shows that what is here is as signed, not that nothing was left out.');
    await checkSelection(check, folder, note, held, manifest);
  }
  compareViews(check, manifest);
  if (manifest.events?.count !== check.events)
    check.find('gap', 'manifest', `The manifest speaks of ${manifest.events?.count} events, there are ${check.events}`);
  for (const { file, sha256: sum } of [manifest.events, manifest.leaves, manifest.proofs, manifest.views].filter(
    Boolean,
  )) {
    if (check.sums.get(file) !== sum)
      check.find('manipulation', 'manifest', `${file} is not the file that the manifest was written for`);
  }
  if (check.untold > 0) check.notes.push(`${check.untold} more findings are not listed.`);
  const { verdict, findings, notes, events } = check;
  return { verdict, findings, notes, events };
}

const WORDS = {
  sound: 'SOUND: every event, the tree and every view are as they were signed.',
  manipulation: 'MANIPULATION: something is not as it was signed.',
  gaps: 'GAPS: nothing contradicts, but something could not be shown.',
};
const CODES = { sound: 0, manipulation: 1, gaps: 2 };

async function main() {
  /** @type {{ keys: string[], checkpoints: string[] }} */
  const trusted = { keys: [], checkpoints: [] };
  let folder = dirname(fileURLToPath(import.meta.url));
  const args = process.argv.slice(2);
  for (let arg = args.shift(); arg !== undefined; arg = args.shift()) {
    if (arg === '--help') {
      const lines = readFileSync(fileURLToPath(import.meta.url), 'utf8')
        .split('\n')
        .slice(2);
      console.log(
        lines.slice(0, lines.indexOf("import { createHash, createPublicKey, verify } from 'node:crypto';")).join('\n'),
      );
      return 0;
    }
    if (arg === '--key') trusted.keys.push(args.shift() ?? '');
    else if (arg === '--checkpoint') trusted.checkpoints.push(readFileSync(args.shift() ?? '', 'utf8'));
    else folder = arg;
  }
  const { verdict, findings, notes, events } = await verifyExport(folder, trusted);
  for (const { message, stream, revision, eventId } of findings) {
    const where =
      stream === undefined ? '' : ` [${stream}, revision ${revision}${eventId ? `, event ${eventId}` : ''}]`;
    console.log(`- ${message}${where}`);
  }
  for (const line of notes) console.log(`  (${line})`);
  console.log('  (Not covered by any hash: recordedAt and position of an event.)');
  console.log(`${WORDS[verdict]} ${events} events checked.`);
  return CODES[verdict];
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  main().then(
    (code) => (process.exitCode = code),
    (error) => {
      console.error(`Could not run: ${error instanceof Error ? error.message : error}`);
      process.exitCode = 3;
    },
  );
}
