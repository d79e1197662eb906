import { StowageError } from '../core/errors.ts';

/** What Fastify's own errors mean in our words. Those that are not here are internal errors. */
const MEANINGS: Readonly<Record<string, (bodyBytesMax: number) => StowageError>> = {
  FST_ERR_BAD_URL: () => new StowageError('malformed_request', 'The URL is not well-formed.'),
  FST_ERR_MAX_PARAM_LENGTH: () => new StowageError('not_found', 'There is nothing at this address.'),
  FST_ERR_CTP_BODY_TOO_LARGE: (bodyBytesMax) => bodyTooLarge(bodyBytesMax),
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () =>
    new StowageError(
      'unsupported_media_type',
      'The Content-Type of the body is not one that is understood here.',
    ),
  FST_ERR_CTP_EMPTY_TYPE: () => new StowageError('unsupported_media_type', 'The body has no Content-Type.'),
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: () =>
    new StowageError('malformed_request', 'The body is not as long as its Content-Length says.'),
  FST_ERR_CTP_EMPTY_JSON_BODY: () => new StowageError('malformed_request', 'The JSON body is empty.'),
  FST_ERR_CTP_INVALID_JSON_BODY: () => new StowageError('malformed_request', 'The body is not valid JSON.'),
  FST_ERR_HEAD_ROUTE: () => new StowageError('not_found', 'There is nothing at this address.'),
  ECONNRESET: () => new StowageError('aborted', 'The request was cut off.'),
};

/**
 * Translates an error that Fastify threw or was given; ours pass as they are, unknown ones too.
 *
 * @param bodyBytesMax most bytes that the route of the request reads.
 */
export function fromFramework(error: unknown, bodyBytesMax: number): unknown {
  if (!(error instanceof Error) || error instanceof StowageError) return error;
  if ('validation' in error && Array.isArray(error.validation)) {
    const isBody = 'validationContext' in error && error.validationContext === 'body';
    return invalidParameter(error.validation[0], isBody);
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  const meaning = MEANINGS[code];
  return meaning === undefined ? error : meaning(bodyBytesMax);
}

/** The refusal of a body that is larger than its route reads. */
export function bodyTooLarge(bodyBytesMax: number): StowageError {
  return new StowageError('request_too_large', `The body of this request may have ${bodyBytesMax} bytes.`, {
    fields: { limit_bytes: bodyBytesMax },
  });
}

/** The first complaint of Ajv, about a query parameter or a field of the body. */
function invalidParameter(complaint: unknown, isBody: boolean): StowageError {
  const { keyword, instancePath, params, message } = complaint as {
    keyword?: string;
    instancePath: string;
    params: Record<string, unknown>;
    message?: string;
  };
  const parameter = instancePath.slice(1).replaceAll('/', '.') || String(params.missingProperty ?? 'body');
  if (isBody && keyword === 'required') {
    return new StowageError('missing_field', `The field ${parameter} is missing.`, { fields: { parameter } });
  }
  const allowed = Array.isArray(params.allowedValues) ? `: ${params.allowedValues.join(', ')}` : '';
  return new StowageError(
    'invalid_parameter',
    `The parameter ${parameter} ${message ?? 'is not valid'}${allowed}.`,
    {
      fields: { parameter },
    },
  );
}
