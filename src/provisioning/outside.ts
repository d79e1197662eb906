import { type Finding, fail, ok, warn } from './provider.ts';

/** Time for one question, in milliseconds. */
const QUESTION_MS_MAX = 15_000;

export interface Question {
  readonly signal: AbortSignal;
  readonly method?: 'GET' | 'PUT' | 'OPTIONS';
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Asks as anybody could; the body of the answer is not read. */
export async function askAnyone(url: string, question: Question): Promise<Response> {
  const answer = await fetch(url, {
    method: question.method ?? 'GET',
    ...(question.body !== undefined && { body: question.body }),
    headers: { ...question.headers },
    redirect: 'manual',
    signal: AbortSignal.any([question.signal, AbortSignal.timeout(QUESTION_MS_MAX)]),
  });
  await answer.body?.cancel();
  return answer;
}

export async function statusOf(url: string, question: Question): Promise<number> {
  return (await askAnyone(url, question)).status;
}

/** Asks for what nobody should get. A 404 would tell a stranger which objects exist: that is a finding too. */
export async function expectRefusal(
  check: string,
  what: string,
  url: string,
  question: Question,
): Promise<readonly Finding[]> {
  const status = await statusOf(url, question);
  if (status === 401 || status === 403) return [ok(check, `A stranger is refused (${status}).`)];
  if (status === 404 && check === 'anonymous_read')
    return [
      fail(
        check,
        'A stranger is told which objects exist (404).',
        'stowage provision apply closes the bucket.',
      ),
    ];
  if (status < 400)
    return [fail(check, `A stranger ${what} (${status}).`, 'stowage provision apply closes the bucket.')];
  return [fail(check, `A stranger is answered ${status}.`, 'Check the name, the region and the endpoint.')];
}

/** An origin that nobody would allow. */
const FOREIGN_ORIGIN = 'https://stranger.invalid';

/** Asks as a browser does before a page of some origin writes by a signed URL. */
export async function preflightFindings(
  url: string,
  origins: readonly string[],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const allowedFor = async (origin: string): Promise<boolean> => {
    const headers = {
      origin,
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'content-type',
    };
    const answer = await askAnyone(url, { signal, method: 'OPTIONS', headers });
    const allowed = answer.headers.get('access-control-allow-origin');
    return answer.status < 400 && (allowed === origin || allowed === '*');
  };
  const findings: Finding[] = [
    (await allowedFor(FOREIGN_ORIGIN))
      ? fail(
          'preflight_foreign',
          'Pages of any origin may write with a signed URL.',
          'stowage provision apply (setting cors).',
        )
      : ok('preflight_foreign', 'Pages of foreign origins are refused.'),
  ];
  const [origin] = origins;
  if (origin === undefined)
    return [
      ...findings,
      warn(
        'preflight_allowed',
        'No origin is allowed: browsers can neither read nor write directly.',
        'Set CORS_ORIGINS if pages need it.',
      ),
    ];
  return [
    ...findings,
    (await allowedFor(origin))
      ? ok('preflight_allowed', `Pages of ${origin} may write with a signed URL.`)
      : fail(
          'preflight_allowed',
          `Pages of ${origin} are refused.`,
          'stowage provision apply (setting cors).',
        ),
  ];
}
