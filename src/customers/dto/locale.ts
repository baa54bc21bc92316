import { isISO31661Alpha2, isISO6391 } from 'class-validator';

export const MAX_LOCALE = 100;

/**
 * Language, script, country; then variants and extensions of BCP 47 or Java, an encoding and a modifier of POSIX, which are
 * dropped. `-` and `_` are the same. Java and ICU leave the country empty before a variant (`de__PHONEBOOK`) and mark a
 * script with `#`.
 */
const FORM =
  /^([a-z]{2,3})(?:[-_]([a-z]{3}))?(?:[-_][a-z]{4})?(?:[-_]{1,2}([a-z]{2}|[0-9]{3}))?(?:[-_]{1,2}#?(?:[a-z0-9]{2,20}|[a-z0-9][-_][a-z0-9]{1,20}))*(?:\.[a-z0-9-]{1,20})?(?:@[a-z0-9=;,_+/-]{1,60})?$/i;

/** Of what is taken; says less than the rule does, which knows which languages and countries there are. */
export const LOCALE_PATTERN =
  '^([A-Za-z]{2,3}|[Ii][-_][A-Za-z]+)([-_#]+[A-Za-z0-9]{1,20})*([.][-A-Za-z0-9]+)?(@[-A-Za-z0-9=;,_+/]+)?$';

/** Codes of IANA's registry that are no languages by themselves: several, none, unknown, not coded. */
const NO_LANGUAGES: ReadonlySet<string> = new Set(['mul', 'zxx', 'und', 'mis']);

/** Languages before which BCP 47 lets a narrower one of three letters follow: `zh-yue`. */
const WITH_EXTENSION: ReadonlySet<string> = new Set(['ar', 'kok', 'lv', 'ms', 'sgn', 'sw', 'uz', 'zh']);

/** Grandfathered tags of BCP 47, which are none of the form above or mean something else in it, with what the registry prefers. */
const GRANDFATHERED: Readonly<Record<string, string>> = {
  'art-lojban': 'jbo',
  'i-ami': 'ami',
  'i-bnn': 'bnn',
  'i-hak': 'hak',
  'i-klingon': 'tlh',
  'i-lux': 'lb',
  'i-navajo': 'nv',
  'i-pwn': 'pwn',
  'i-tao': 'tao',
  'i-tay': 'tay',
  'i-tsu': 'tsu',
  'no-bok': 'nb',
  'no-nyn': 'nn',
  'zh-guoyu': 'zh',
  'zh-hakka': 'hak',
  'zh-min-nan': 'nan',
  'zh-xiang': 'hsn',
};

const names = new Intl.DisplayNames(['en'], { type: 'language', fallback: 'none' });

/**
 * The form in which a locale is kept and answered: `xx_YY`, or the language alone where no country is named. docs/values.md
 * has the table.
 * @returns undefined for what names no language, and for a country that is none
 */
export function canonicalLocale(text: string): string | undefined {
  if (text.length > MAX_LOCALE) return undefined;
  const tag = GRANDFATHERED[text.toLowerCase().replaceAll('_', '-')] ?? text;
  const [, first = '', narrower, place] = FORM.exec(tag) ?? [];
  const isExtended = narrower !== undefined && WITH_EXTENSION.has(first.toLowerCase());
  if (narrower !== undefined && !isExtended) return undefined;
  const language = currentLanguage(narrower ?? first);
  if (language === undefined) return undefined;
  // A number names a region, not a country.
  if (place === undefined || /^[0-9]/.test(place)) return language;
  const country = currentCountry(language, place);
  return country === undefined ? undefined : `${language}_${country}`;
}

export const isLocale = (value: unknown): boolean => typeof value === 'string' && canonicalLocale(value) !== undefined;

/** Codes of ISO 639-1 stay as they are, also where CLDR would rather have another one (`tl`). */
function currentLanguage(code: string): string | undefined {
  const given = code.toLowerCase();
  if (isISO6391(given)) return given;
  const language = canonical(given)?.language;
  if (language === undefined || NO_LANGUAGES.has(language)) return undefined;
  return names.of(language) === undefined ? undefined : language;
}

function currentCountry(language: string, code: string): string | undefined {
  const given = code.toUpperCase();
  if (isISO31661Alpha2(given)) return given;
  const country = canonical(`${language}-${given}`)?.region;
  return country !== undefined && isISO31661Alpha2(country) ? country : undefined;
}

/** With the old codes made current. */
function canonical(tag: string): Intl.Locale | undefined {
  try {
    return new Intl.Locale(tag);
  } catch {
    return undefined;
  }
}
