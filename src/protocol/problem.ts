import Type, { type Static } from 'typebox';

const optionalText = (description: string) => Type.Optional(Type.String({ description }));

/** The body of every error (RFC 9457, `application/problem+json`). */
export const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: 'Where this kind of error is explained; relative to the service.' }),
    title: Type.String({ description: 'The kind of error, the same each time.' }),
    status: Type.Integer({ description: 'The HTTP status.' }),
    detail: Type.String({ description: 'What went wrong this time, a full sentence.' }),
    code: Type.String({ description: 'Stable name of the error for programs.' }),
    request_id: Type.String({ description: 'Name of the request in the logs.' }),
    error: Type.String({ description: 'The same as `title`.' }),
    filename: optionalText('The file of several that was refused.'),
    declared: optionalText('Media type that was declared.'),
    extension: optionalText("Extension of the file's name."),
    detected: optionalText('Media type that the content shows.'),
    limit_bytes: Type.Optional(Type.Integer({ description: 'The limit that was passed.' })),
    parameter: optionalText('The parameter or field at fault.'),
  },
  { $id: 'Problem', description: 'Why a request failed.' },
);
export type ProblemJson = Static<typeof ProblemSchema>;

/** Media type of {@link ProblemSchema}. */
export const PROBLEM_MEDIA_TYPE = 'application/problem+json';
