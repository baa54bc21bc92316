import { isISO31661Alpha2, isISO6391 } from 'class-validator';
import { FIELDS } from '../domain/fields.js';
import { canonicalLocale, LOCALE_PATTERN } from './locale.js';

/** docs/values.md shows some of these. */
const TAKEN: readonly (readonly [sent: string, becomes: string])[] = [
  // BCP 47
  ['en-US', 'en_US'], ['EN-us', 'en_US'], ['nl', 'nl'], ['zh-Hans-CN', 'zh_CN'], ['zh-Hant', 'zh'], ['sr-Latn-RS', 'sr_RS'],
  ['es-419', 'es'], ['en-001', 'en'], ['en-840', 'en'], ['ca-ES-valencia', 'ca_ES'], ['de-CH-1996', 'de_CH'], ['sl-rozaj-biske', 'sl'],
  ['en-GB-oed', 'en_GB'], ['en-US-u-ca-gregory', 'en_US'], ['de-DE-u-co-phonebk', 'de_DE'], ['en-x-private', 'en'],
  ['en-US-x-twain', 'en_US'], ['zh-yue-HK', 'yue_HK'], ['zh-cmn-Hans-CN', 'zh_CN'], ['i-klingon', 'tlh'], ['i-lux', 'lb'], ['zh-min-nan', 'nan'],
  ['no-bok', 'nb'],
  ['art-lojban', 'jbo'],
  // POSIX, Java, ICU
  ['en_US', 'en_US'], ['en_us', 'en_US'], ['EN_us', 'en_US'], ['de_DE.UTF-8', 'de_DE'], ['de_DE@euro', 'de_DE'], ['de_DE.ISO-8859-15@euro', 'de_DE'],
  ['sr_RS@latin', 'sr_RS'], ['nl.UTF-8', 'nl'], ['en_US_POSIX', 'en_US'], ['de__PHONEBOOK', 'de'], ['zh_CN_#Hans', 'zh_CN'],
  ['th_TH_TH_#u-nu-thai', 'th_TH'], ['no_NO_NY', 'no_NO'], ['en_US@calendar=gregorian;currency=USD', 'en_US'],
  // what the vendor's connectors send
  ['de_DE_EURO', 'de_DE'], ['de_EURO', 'de'], ['zh_CN_PINYIN', 'zh_CN'], ['zh_Hans_CN', 'zh_CN'], ['az_Cyrl_AZ', 'az_AZ'],
  ['es_419', 'es'], ['es_ES_TRADITIONAL', 'es_ES'], ['ja_JP_JP', 'ja_JP'], ['de_DE_PREEURO', 'de_DE'],
  // old codes
  ['iw', 'he'], ['iw_IL', 'he_IL'], ['in_ID', 'id_ID'], ['ji', 'yi'], ['jw_ID', 'jv_ID'], ['mo_MD', 'ro_MD'], ['sh_RS', 'sr_RS'],
  ['en_UK', 'en_GB'], ['de_DD', 'de_DE'], ['my_BU', 'my_MM'], ['sr_YU', 'sr_RS'],
  // three letters: the code of two, where there is one
  ['eng_US', 'en_US'], ['deu_DE', 'de_DE'], ['ger', 'de'], ['fil_PH', 'fil_PH'], ['gsw_CH', 'gsw_CH'], ['haw_US', 'haw_US'],
  // as they are, although others have been preferred since
  ['no_NO', 'no_NO'], ['nb_NO', 'nb_NO'], ['tl_PH', 'tl_PH'],
]; // prettier-ignore

const REFUSED: readonly string[] = [
  '', 'C', 'POSIX', 'C.UTF-8', 'en_', 'en-', '_US', 'US', 'xx', 'xx_US', 'qaa', 'und', 'und_US', 'mul', 'zxx', 'root', 'x-private',
  'i-default', 'english', 'en_XX', 'en_ZZ', 'en_EU', 'en_USA', 'en US', ' en_US', 'en_US ', 'en_US\n', 'en,US', 'en/US', 'en;q=0.8', '*', 'en-US,en',
  'e', '1', 'e1_US', 'en_U', 'en_US.', 'en_US@', 'en--', 'en_ＵＳ', 'еn_US',
]; // prettier-ignore

describe('a locale', () => {
  it.each(TAKEN)('%s is taken and becomes %s', (sent, becomes) => {
    expect(canonicalLocale(sent)).toBe(becomes);
    expect(sent).toMatch(new RegExp(LOCALE_PATTERN, 'u'));
    expect(becomes).toMatch(new RegExp(FIELDS.locale.pattern, 'u'));
    expect(canonicalLocale(becomes)).toBe(becomes);
  });

  it.each(REFUSED)('%j is refused', (sent) => {
    expect(canonicalLocale(sent)).toBeUndefined();
  });

  it('is refused for its length', () => {
    expect(canonicalLocale(`en_US${'-abcdefgh'.repeat(20)}`)).toBeUndefined();
  });

  it('stays as it is when it was taken before: an ISO 639-1 language and an ISO 3166-1 country', () => {
    const letters = Array.from('abcdefghijklmnopqrstuvwxyz');
    const pairs = letters.flatMap((one) => letters.map((other) => one + other));
    const countries = pairs.map((pair) => pair.toUpperCase()).filter((code) => isISO31661Alpha2(code));
    const changed = pairs.filter((code) => isISO6391(code)).flatMap((language) =>
      countries.map((country) => `${language}_${country}`).filter((locale) => canonicalLocale(locale) !== locale),
    ); // prettier-ignore
    expect(changed).toEqual([]);
  });
});
