/** Stores that speak S3 and answer 501 to form posts, by the ends of their host names. */
const WITHOUT_POST = ['.r2.cloudflarestorage.com', '.backblazeb2.com'];

/** How clients write straight to the S3 at an endpoint: by a form post, or by a PUT where the store takes none. */
export function signedWriteOf(endpoint: string | null): 'post' | 'put' {
  if (endpoint === null) return 'post';
  const { hostname } = new URL(endpoint);
  return WITHOUT_POST.some((end) => hostname.endsWith(end)) ? 'put' : 'post';
}
