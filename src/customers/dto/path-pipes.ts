import type { PipeTransform } from '@nestjs/common';
import { ApiError } from '../../http/errors.js';
import { isUuid } from '../../http/field-rules.js';
import { customerNotFound } from '../domain/errors.js';
import { isCustomerId } from '../streams.js';

/** An id that no customer could have is simply not found, and gets no further. */
export class CustomerIdPipe implements PipeTransform<string, string> {
  transform(id: string): string {
    if (!isCustomerId(id)) throw customerNotFound(id);
    return id;
  }
}

/** In lower case, for a UUID means the same in either. */
export class SourceIdPipe implements PipeTransform<string, string> {
  transform(sourceId: string): string {
    if (!isUuid(sourceId)) throw ApiError.of('invalid_parameter', 'sourceId must be a UUID', 'sourceId');
    return sourceId.toLowerCase();
  }
}
