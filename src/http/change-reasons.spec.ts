import { changeReasonOf } from './change-reasons.js';
import { ApiError } from './errors.js';

const reasonOf = (text: string) => changeReasonOf({ 'x-reason': text });

describe('X-Reason', () => {
  it('is a code, or a code and a text', () => {
    expect(changeReasonOf({})).toBeUndefined();
    expect(reasonOf('support_call')).toEqual({ code: 'support_call' });
    expect(reasonOf('kyc-2; Passport checked; twice')).toEqual({ code: 'kyc-2', text: 'Passport checked; twice' });
  });

  it('takes what is not ASCII percent-encoded', () => {
    expect(reasonOf(`call;${encodeURIComponent('Anruf von Jürgen, 100 % 🙂')}`)).toEqual({
      code: 'call',
      text: 'Anruf von Jürgen, 100 % 🙂',
    });
  });

  it('may have several lines in its text', () => {
    expect(reasonOf('call; one%0D%0Atwo%09three')).toEqual({ code: 'call', text: 'one\r\ntwo\tthree' });
  });

  it('counts the characters of its text, not their bytes', () => {
    expect(reasonOf(`call;${encodeURIComponent('😀'.repeat(500))}`)).toMatchObject({ text: '😀'.repeat(500) });
  });

  it.each([
    '',
    'jane@example.com',
    'Call',
    'two words',
    'a'.repeat(41),
    'call; 100 %',
    'call; %ff',
    'call; ü',
    `call; ${'x'.repeat(501)}`,
    'call, call',
    'call; %00',
    'call; a%7Fb',
  ])('is refused as %j, without repeating it', (text) => {
    const refused = ((): unknown => {
      try {
        return reasonOf(text);
      } catch (error) {
        return error;
      }
    })();
    expect(refused).toBeInstanceOf(ApiError);
    const { errors } = (refused as ApiError).body;
    expect(errors).toMatchObject([{ code: 'invalid_parameter', parameter: 'X-Reason' }]);
    if (text.length > 10) expect(JSON.stringify(errors)).not.toContain(text);
  });
});
