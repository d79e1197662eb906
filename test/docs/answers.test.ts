import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { parse } from 'yaml';
import { png } from '../acceptance/samples/images.ts';
import { type Service, startService } from '../acceptance/service.ts';
import { documents } from './blocks.ts';
import { blockWith } from './claims.ts';

const ROOT = join(import.meta.dirname, '../..');
const MONITORING = join(ROOT, 'deploy/monitoring');
const METRICS_TOKEN = 'a token for one test alone';

interface ScrapeConfigs {
  readonly scrape_configs: readonly {
    readonly metrics_path?: string;
    readonly scheme?: string;
    readonly authorization: { readonly type?: string; readonly credentials_file: string };
    readonly static_configs: readonly { readonly targets: readonly string[] }[];
  }[];
  readonly rule_files: readonly string[];
}

describe('a service answers what the pages say', () => {
  let service: Service;
  before(async () => {
    service = await startService({ METRICS_TOKEN }, { backend: 'local' });
  });
  after(() => service[Symbol.asyncDispose]());

  test('a refusal is the document of the page about errors, word for word', async () => {
    const shown = JSON.parse(blockWith('docs/reference/errors.md', 'file_type_mismatch').text);
    const disguised = { filename: 'photo.jpg', mediaType: 'image/jpeg', bytes: png() };
    const answer = await service.as('alice').upload('image', [disguised]);
    assert.equal(answer.headers['content-type'], 'application/problem+json');
    const { request_id: id, ...problem } = answer.json<Readonly<Record<string, unknown>>>();
    assert.match(String(id), /^[0-9a-f]{8}-/);
    assert.deepEqual(problem, without(shown, 'request_id'));
  });

  test('the metrics are where the configuration of Prometheus looks, for its token alone', async () => {
    const config: ScrapeConfigs = parse(blockWith('docs/guides/monitoring.md', 'scrape_configs').text);
    const [job] = config.scrape_configs;
    assert.ok(job !== undefined);
    // What Prometheus does where nothing is said.
    const { metrics_path: path = '/metrics', scheme = 'http', authorization } = job;
    assert.equal(scheme, 'http');
    assert.match(job.static_configs[0]?.targets[0] ?? '', /:3000$/);
    const headers = { authorization: `${authorization.type ?? 'Bearer'} ${METRICS_TOKEN}` };
    const answer = await service.send('GET', path, { headers });
    assert.equal(answer.status, 200);
    assert.match(answer.text, /^stowage_dependency_up\{/m);
    assert.equal((await service.send('GET', path)).status, 401);
    for (const file of config.rule_files) assert.ok(existsSync(join(MONITORING, file)), file);
  });

  test('the routes that the pages name are there', async () => {
    const { paths } = (await service.send('GET', '/api/openapi.json')).json<{
      paths: Readonly<Record<string, Readonly<Record<string, object>>>>;
    }>();
    const served = new Set(
      Object.entries(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${shape(path)}`),
      ),
    );
    assert.ok(served.size > 15);
    let named = 0;
    for (const document of documents()) {
      // Those have routes of their own.
      if (document.startsWith('examples/') || document === 'docs/guides/invoices.md') continue;
      const text = readFileSync(join(ROOT, document), 'utf8');
      for (const [, method, path = ''] of text.matchAll(
        /`(GET|POST|PUT|DELETE) (\/[^` ]*[^` …]|\/files\/…)`/g,
      )) {
        named += 1;
        assert.ok(served.has(`${method} ${shape(path)}`), `${document}: ${method} ${path}`);
      }
    }
    assert.ok(named > 20, `${named} routes are named`);
  });
});

/** A path without the names of its parameters. */
function shape(path: string): string {
  return path.replace(/\{\w+\}|…/g, '*').replace(/\?.*$/, '');
}

test('the alerts are rules as Prometheus reads them', () => {
  const { groups } = parse(readFileSync(join(MONITORING, 'alerts.yml'), 'utf8'));
  for (const { rules } of groups)
    for (const { alert, expr, for: time = '0s', labels, annotations, ...more } of rules) {
      assert.match(alert, /^Stowage\w+$/);
      assert.equal(typeof expr, 'string', alert);
      assert.match(time, /^\d+[smh]$/, alert);
      assert.match(labels.severity, /^(page|ticket)$/, alert);
      assert.equal(typeof annotations.summary, 'string', alert);
      assert.deepEqual(more, {}, alert);
    }
});

function without(document: Readonly<Record<string, unknown>>, name: string): object {
  return Object.fromEntries(Object.entries(document).filter(([each]) => each !== name));
}
