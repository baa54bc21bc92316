// @ts-check
// The audit page: reads the routes below /audit with the key that was entered, and shows what they answer. It keeps nothing,
// and puts nothing of an answer into the page but as text.

/**
 * @typedef {{ pointer: string, before?: unknown, after?: unknown }} Change
 * @typedef {{ revision: number, type: string, happenedTime: string, actor: { type: string, id: string },
 *   reason?: { code?: string, text?: string }, requestId: string, changes: Change[], problem?: string }} SoundEvent
 * @typedef {Partial<SoundEvent> & { revision: number, type: string, recordedTime: string, problem?: string }} HistoryEvent
 * @typedef {{ data: HistoryEvent[], next: string, hasMore: boolean }} HistoryPage
 * @typedef {{ revision: number, life: number, status: string, stoodFrom: string, stoodTo?: string,
 *   customer?: Record<string, unknown> }} Stood
 * @typedef {{ tree: 'sound' | 'altered', treeSize: number, unsigned: number, head?: { size: number, root: string },
 *   signedTime?: string, checkpoint?: string, lastVerification?: Verified }} LogState
 * @typedef {{ time: string, verdict: 'sound' | 'manipulation' | 'gaps', events: number, heldOutside: number, found: number,
 *   findings: { message: string, stream?: string, revision?: number }[] }} Verified
 * @typedef {{ state: 'sound' | 'altered', events: number, underCheckpoint: number,
 *   findings: { revision: number, message: string }[] }} Checked
 * @typedef {{ errors?: { message: string }[] }} ErrorAnswer
 */

/** The key that was entered: in this variable alone. @type {string | undefined} */
let key;
/** Of the customer that is shown. @type {{ id: string, next?: string } | undefined} */
let found;

/** @template {Element} T @param {string} selector @param {new () => T} type @returns {T} */
const one = (selector, type) => {
  const element = document.querySelector(selector);
  if (!(element instanceof type)) throw new Error(`The page lacks ${selector}`);
  return element;
};
/** @param {string} id */
const byId = (id) => one(`#${id}`, HTMLElement);
/** @param {string} id */
const field = (id) => one(`#${id}`, HTMLInputElement);

/** @param {string} tag @param {(string | Node)[]} content @param {Record<string, string>} [attributes] */
const element = (tag, content, attributes = {}) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...content);
  return made;
};

class Refused extends Error {}

/** @param {string} path @param {string} [notThere] @returns {Promise<unknown>} what was answered. @throws {Refused} with words for the reader */
const ask = async (path, notThere = 'The log knows no such customer.') => {
  const response = await fetch(path, { headers: { authorization: `Bearer ${key ?? ''}` }, cache: 'no-store' }).catch(
    () => {
      throw new Refused('The service does not answer.');
    },
  );
  if (response.ok) return response.json();
  if (response.status === 401) throw new Refused('This key is not known, has expired or was revoked.');
  if (response.status === 403) throw new Refused('This key lacks the scope audit:read.');
  if (response.status === 404) throw new Refused(notThere);
  /** @type {Promise<unknown>} */
  const answer = response.json().catch(() => undefined);
  const body = /** @type {ErrorAnswer | undefined} */ (await answer);
  throw new Refused(body?.errors?.[0]?.message ?? `The service answered ${response.status}.`);
};

/** Does what was asked for, one thing at a time, and says what went wrong. @param {() => Promise<void>} work */
const during = async (work) => {
  const main = byId('main');
  byId('problem').textContent = '';
  main.setAttribute('aria-busy', 'true');
  try {
    await work();
  } catch (error) {
    byId('problem').textContent = error instanceof Refused ? error.message : 'The answer could not be understood.';
  } finally {
    main.removeAttribute('aria-busy');
  }
};

/** @param {unknown} value */
const inWords = (value) => {
  if (value === undefined || value === null) return 'nothing';
  return typeof value === 'string' ? value : JSON.stringify(value, undefined, 1);
};

/** With places where a long name may be broken. @param {string} name @returns {(string | Node)[]} */
const breakable = (name) =>
  name.split(/(?<=[a-z])(?=[A-Z])|(?<=\/)/).flatMap((part, at) => (at === 0 ? [part] : [element('wbr', []), part]));

/** @param {string} time */
const local = (time) =>
  new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' }).format(new Date(time));

/** `CustomerEmailChanged` and `customer.email_changed` read as words. @param {string} type */
const typeInWords = (type) => {
  const words = type
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .replace(/[._]/g, ' ')
    .toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
};

/** @param {HTMLElement} list @param {[string, unknown][]} facts */
const showFacts = (list, facts) => {
  list.replaceChildren(
    ...facts.flatMap(([name, value]) => [element('dt', breakable(name)), element('dd', [inWords(value)])]),
  );
};

/** What reads the whole log is a command; here is told what it came to, and when. @param {Verified | undefined} last */
const showLastVerification = (last) => {
  const place = byId('log-verified');
  byId('log-findings').replaceChildren();
  if (last === undefined) {
    place.className = 'unsure';
    place.textContent =
      'The log itself was never verified: this page checks the tree alone. Run “audit verify” on the command line.';
    return;
  }
  const { verdict, time, events, heldOutside, findings, found: count } = last;
  const outside = heldOutside === 0 ? 'no checkpoint from outside' : `${heldOutside} checkpoint(s) from outside`;
  const words = {
    sound: 'sound',
    manipulation: 'MANIPULATION: something is not as it was written',
    gaps: 'gaps: nothing contradicts, but something could not be shown',
  };
  place.className = verdict === 'sound' ? 'good' : verdict === 'gaps' ? 'unsure' : 'bad';
  place.textContent =
    `The whole log was last verified on ${local(time)}, ${events} events against ${outside}: ${words[verdict]}. ` +
    'What came later is not in that.';
  const items = findings.map(({ message, stream, revision }) =>
    element('li', [stream === undefined ? `${message}.` : `${message} (${stream}, revision ${revision ?? '?'}).`]),
  );
  if (count > findings.length) items.push(element('li', [`And ${count - findings.length} more.`]));
  byId('log-findings').append(...items);
};

const showLog = async () => {
  const log = /** @type {LogState} */ (await ask('/audit/verification'));
  const { head, signedTime, checkpoint, lastVerification } = log;
  showLastVerification(lastVerification);
  const words =
    head === undefined
      ? 'No checkpoint is signed yet.'
      : 'The last checkpoint is signed, and the tree, which is kept beside the log, holds what it says.';
  sayState(
    byId('log-state'),
    log.tree,
    log.tree === 'sound' ? words : 'The tree is not what the last checkpoint says: it was altered.',
  );
  showFacts(byId('log-facts'), [
    ['Last checkpoint', signedTime === undefined ? 'none yet' : local(signedTime)],
    ['Events under it', head?.size ?? 0],
    ['Events since', log.unsigned],
    ['Root of the tree', head?.root ?? 'none yet'],
  ]);
  byId('log-note').hidden = checkpoint === undefined;
  one('#log-note pre', HTMLElement).textContent = checkpoint ?? '';
};

/** In words and in colour. @param {HTMLElement} place @param {'sound' | 'altered'} state @param {string} words */
const sayState = (place, state, words) => {
  place.textContent = words;
  place.className = state === 'sound' ? 'good' : 'bad';
};

/** @param {Change[]} changes */
const changesTable = (changes) => {
  if (changes.length === 0) return element('p', ['No field of the record changed.'], { class: 'meta' });
  const head = element('tr', [
    element('th', ['Field'], { scope: 'col' }),
    element('th', ['Before'], { scope: 'col' }),
    element('th', ['After'], { scope: 'col' }),
  ]);
  const rows = changes.map(({ pointer, before, after }) =>
    element('tr', [
      element('th', breakable(pointer.slice(1)), { scope: 'row' }),
      element('td', [inWords(before)]),
      element('td', [inWords(after)]),
    ]),
  );
  return element('table', [element('thead', [head]), element('tbody', rows)]);
};

/** @param {HistoryEvent} event who did it and why, as far as that can be told */
const whoAndWhy = ({ actor, reason, requestId }) => {
  const why = [reason?.code, reason?.text].filter((part) => part !== undefined).join(': ');
  const who = actor === undefined ? 'Nobody can tell who did it' : `By ${actor.type} ${actor.id}`;
  return `${who}${why === '' ? '' : `, because: ${why}`}. Request ${requestId ?? 'unknown'}.`;
};

/** @param {HistoryEvent} event */
const eventItem = (event) => {
  const { revision, type, happenedTime, recordedTime, changes, problem } = event;
  const time = happenedTime ?? recordedTime;
  const show = element('button', [`The record after revision ${revision}`], { type: 'button', class: 'quiet' });
  const item = element('li', [
    element('h4', [typeInWords(type)]),
    ...(problem === undefined ? [] : [element('p', [`Altered: ${problem}.`], { class: 'bad' })]),
    element('p', [`Revision ${revision}, `, element('time', [local(time)], { datetime: time })], { class: 'meta' }),
    element('p', [whoAndWhy(event)], { class: 'meta' }),
    // Where nothing follows any more, there is no record to be shown either.
    ...(changes === undefined ? [] : [changesTable(changes), show]),
  ]);
  item.classList.toggle('broken', problem !== undefined);
  item.dataset['revision'] = `${revision}`;
  show.addEventListener('click', () => {
    void during(async () => {
      await showRecord(`revision=${revision}`);
      for (const other of byId('timeline').children) other.classList.toggle('shown', other === item);
      byId('record-title').focus();
    });
  });
  return item;
};

const showMore = async () => {
  if (found === undefined) return;
  const after = found.next === undefined ? '' : `&after=${encodeURIComponent(found.next)}`;
  const page = /** @type {HistoryPage} */ (
    await ask(`/audit/customers/${encodeURIComponent(found.id)}/events?limit=100${after}`)
  );
  byId('timeline').append(...page.data.map(eventItem));
  found.next = page.next;
  byId('more').hidden = !page.hasMore;
};

/** @param {string} moment */
const showRecord = async (moment) => {
  if (found === undefined) return;
  byId('record-when').textContent = '';
  byId('record-values').replaceChildren();
  const stood = /** @type {Stood} */ (
    await ask(`/audit/customers/${encodeURIComponent(found.id)}?${moment}`, 'There was no such customer then.')
  );
  const until = stood.stoodTo === undefined ? 'on, and stands so now' : `to ${local(stood.stoodTo)}`;
  byId('record-when').textContent =
    `Revision ${stood.revision}, ${stood.status}: from ${local(stood.stoodFrom)} ${until}.`;
  showFacts(byId('record-values'), Object.entries(stood.customer ?? {}));
};

const showChecked = async () => {
  if (found === undefined) return;
  const checked = /** @type {Checked} */ (await ask(`/audit/customers/${encodeURIComponent(found.id)}/verification`));
  const { state, events, underCheckpoint, findings } = checked;
  const told = findings.map(({ revision, message }) => `Revision ${revision}: ${message}.`).join(' ');
  const count = `${events} events, ${underCheckpoint} of them under a signed checkpoint`;
  sayState(byId('found-state'), state, state === 'sound' ? `The history is as it was recorded: ${count}.` : told);
  const broken = new Set(findings.map(({ revision }) => `${revision}`));
  for (const item of byId('timeline').children) {
    if (item instanceof HTMLElement && broken.has(item.dataset['revision'] ?? '')) item.classList.add('broken');
  }
};

/** @param {string} id */
const find = async (id) => {
  byId('found').hidden = true;
  byId('timeline').replaceChildren();
  byId('found-state').textContent = '';
  found = { id };
  await showMore();
  byId('found-title').textContent = `Customer ${id}`;
  byId('found').hidden = false;
  byId('found-title').focus();
  await showChecked();
  await showRecord(`asOf=${encodeURIComponent(new Date().toISOString())}`);
};

/** @param {boolean} signedIn */
const showSignedIn = (signedIn) => {
  byId('sign-in').hidden = signedIn;
  byId('signed-in').hidden = !signedIn;
  byId('sign-out').hidden = !signedIn;
};

/** @param {string} form @param {() => Promise<void>} work */
const onSubmit = (form, work) =>
  byId(form).addEventListener('submit', (event) => {
    event.preventDefault();
    void during(work);
  });

onSubmit('sign-in-form', async () => {
  key = field('key').value.trim();
  try {
    await showLog();
  } catch (error) {
    key = undefined;
    throw error;
  } finally {
    field('key').value = '';
  }
  showSignedIn(true);
  field('customer').focus();
});
onSubmit('find-form', () => find(field('customer').value.trim()));
onSubmit('as-of-form', async () => {
  await showRecord(`asOf=${encodeURIComponent(new Date(field('as-of').value).toISOString())}`);
  for (const item of byId('timeline').children) item.classList.remove('shown');
});
byId('more').addEventListener('click', () => void during(showMore));
// Everything that was shown goes with the page.
byId('sign-out').addEventListener('click', () => location.reload());
