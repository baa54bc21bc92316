import { domainToASCII } from 'node:url';
import { isEmail } from 'class-validator';
import type { NewValueRule } from '../../http/new-values.js';

/** RFC 5321, 4.5.3.1.3: a path is at most 256 octets, its angle brackets among them. In UTF-8 (RFC 6531, 3.3). */
const MOST_OCTETS = 254;
/** RFC 1035, 2.3.4, of the form that stands in the DNS. */
const MOST_OF_LABEL = 63;
const MOST_OF_DOMAIN = 253;

/**
 * Characters that are invisible, change the display of others, or end a line of a mail header: Unicode's category C (control,
 * format such as bidirectional marks, surrogate, private use, unassigned), white space except the plain space, and default
 * ignorable code points (joiners, variation selectors, fillers).
 */
const UNSEEN = /[\p{C}\p{Default_Ignorable_Code_Point}]|(?! )\p{Z}/u;

/** What the document says of it, in the syntax that the readers of patterns share. */
export const EMAIL_PATTERN = '^[^\\x00-\\x1f\\x7f-\\x9f]+@[^\\x00-\\x20\\x7f-\\x9f@]+$';

export const EMAIL_RULE = 'must be an email address, without control or invisible characters';

/** RFC 5321 and 6531, without comments and address literals; the domain may be internationalised (UTS 46). */
export const isEmailAddress = (text: string): boolean =>
  text.length <= MOST_OCTETS &&
  Buffer.byteLength(text) <= MOST_OCTETS &&
  !UNSEEN.test(text) &&
  isEmail(text) &&
  isDomain(text.slice(text.lastIndexOf('@') + 1));

/** Dots other than the plain one (U+3002) are label separators to IDNA: they would change the number of labels. */
function isDomain(domain: string): boolean {
  const labels = domainToASCII(domain).split('.');
  return (
    labels.length === domain.split('.').length &&
    labels.every(({ length }) => length > 0 && length <= MOST_OF_LABEL) &&
    labels.join('.').length <= MOST_OF_DOMAIN
  );
}

export const newEmail: NewValueRule = (value, name) =>
  typeof value !== 'string' || isEmailAddress(value)
    ? []
    : [{ code: 'invalid_parameter', message: `${name} ${EMAIL_RULE}` }];
