import assert from 'node:assert/strict';
import { test } from 'node:test';
import { streamOf } from '../core/bytes.ts';
import { isStowageError } from '../core/errors.ts';
import { brokenRule } from './refusal.ts';
import { sendThrough } from './samples/admission.ts';
import { buildJpeg } from './samples/jpeg.ts';
import { buildZip } from './samples/zip-builder.ts';

// Both lists are typed here once more, on purpose: taken from the sources, they would lose an extension with them.

const words = (...lines: readonly string[]) => lines.flatMap((line) => line.split(' '));

/** What may not stand before the last dot of a file's name. */
const HIDDEN_IN_NAMES = words(
  'bat cmd cpl dll exe hta jse lnk msc msi msp pif ps1 psm1 reg scf scr url vbe vbs wsf wsh',
  'apk class dmg jar war',
  'inc phar php php2 php3 php4 php5 php6 php7 php8 phps pht phtm phtml',
  'asa asax ascx ashx asmx asp aspx cer cfm',
  'jsp jspf jspx jsv jsw',
  'bash cgi csh fcgi py pyc rb sh zsh',
  'htm html mht mhtml shtm shtml stm xht xhtml',
  'svg svgz swf xsl xslt',
  'htaccess htpasswd',
);

/** What no file in an archive may be called. */
const RUNNABLE_IN_ARCHIVES = words(
  'application appref-ms com cpl dll drv exe gadget ocx pif scr sys',
  'appx appxbundle msc msi msix msixbundle msp mst',
  'bat cmd hta jse ps1 psm1 sct vb vbe vbs ws wsc wsf wsh',
  'chm desktop hlp inf lnk reg scf url',
  'apk class ipa jar jnlp xapk',
  'appimage deb dmg img iso pkg rpm vhd vhdx',
  'docm dotm potm ppam ppsm pptm sldm xlam xll xlsb xlsm xltm',
);

/** What the gate says of a file: `accepted`, or the code of its refusal and the rule. */
async function judge(filename: string, mediaType: string, bytes: Buffer): Promise<string> {
  const claim = { filename, mediaType, sizeBytes: null, sha256: null };
  const outcome = await sendThrough(streamOf(bytes), claim);
  if ('verdict' in outcome) return 'accepted';
  assert.ok(isStowageError(outcome.error), String(outcome.error));
  return `${outcome.error.code} by ${brokenRule(outcome.error)}`;
}

const judgePhoto = (extension: string) => judge(`photo.${extension}.jpg`, 'image/jpeg', buildJpeg());

const judgeArchive = (extension: string) =>
  judge('set.zip', 'application/zip', buildZip([{ name: `docs/a.${extension}`, data: 'x' }]));

/** What is said of each extension, all at once, so that a failure names every one that is missing. */
async function verdicts(extensions: readonly string[], judgeOne: (extension: string) => Promise<string>) {
  const lines = extensions.map(async (extension) => `${extension}: ${await judgeOne(extension)}`);
  return Promise.all(lines);
}

const each = (extensions: readonly string[], verdict: string) =>
  extensions.map((extension) => `${extension}: ${verdict}`);

test('a name that hides an extension that runs is refused, whichever it is', async () => {
  assert.deepEqual(
    await verdicts(HIDDEN_IN_NAMES, judgePhoto),
    each(HIDDEN_IN_NAMES, 'invalid_filename by name.runnable_extension_inside'),
  );
});

test('an archive that holds a file that runs is refused, whatever it is called', async () => {
  assert.deepEqual(
    await verdicts(RUNNABLE_IN_ARCHIVES, judgeArchive),
    each(RUNNABLE_IN_ARCHIVES, 'suspicious_content by zip.entry_runnable'),
  );
});

test('what honest names and archives hold passes', async () => {
  const inNames = ['app', 'com', 'js', 'net', 'pl', 'zip'];
  assert.deepEqual(await verdicts(inNames, judgePhoto), each(inNames, 'accepted'));
  const inArchives = ['html', 'js', 'py', 'sh'];
  assert.deepEqual(await verdicts(inArchives, judgeArchive), each(inArchives, 'accepted'));
});
