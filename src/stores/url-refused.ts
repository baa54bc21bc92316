/** A connection string that a driver can't read. The message never repeats it: it may hold a password. */
export class UrlRefused extends RangeError {
  override readonly name = 'UrlRefused';
}
