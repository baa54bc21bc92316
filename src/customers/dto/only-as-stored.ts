import type { Fault } from '../../http/errors.js';
import type { NewValueFault } from '../../http/new-values.js';
import type { CustomerErrorCode } from '../domain/errors.js';
import type { OnlyAsStored } from '../domain/stored-values.js';

/** What the edge would refuse, in the words of the domain, which finds out whether it is stored already. */
export const toOnlyAsStored = ({ fault: { code, parameter, message }, path }: NewValueFault): OnlyAsStored => ({
  path,
  code: toCustomerCode(code),
  parameter: parameter ?? path.join('.'),
  message,
});

const toCustomerCode = (code: Fault['code']): CustomerErrorCode =>
  code === 'invalid_metadata_key' || code === 'invalid_metadata_value' ? code : 'invalid_parameter';
