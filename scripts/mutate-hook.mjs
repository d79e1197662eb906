// Takes one `throw` out of one source file as it is loaded: see mutate-gate.mjs.
import { registerHooks } from 'node:module';

const { MUTATED_FILE: file = '', MUTATED_AT: at = '-1' } = process.env;
const index = Number(at);

if (file !== '') {
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(`/${file}`)) return loaded;
      const text = String(loaded.source);
      if (text.slice(index, index + 5) !== 'throw') throw new Error(`No throw at ${index} of ${file}.`);
      return { ...loaded, source: `${text.slice(0, index)}void ${text.slice(index + 5)}` };
    },
  });
}
