/** The style of the page at `/api/docs`: light and dark, one column on a phone. */
export const DOCS_STYLE = `
:root { color-scheme: light dark; --ink: #1c2330; --soft: #5b6575; --line: #dfe3ea; --paper: #fff; --shade: #f5f7fa; --link: #0b57c2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ef; --soft: #98a3b3; --line: #2c3442; --paper: #12161d; --shade: #1a2029; --link: #7db2ff; } }
* { box-sizing: border-box; }
body { margin: 0; display: grid; grid-template-columns: minmax(15rem, 20rem) minmax(0, 1fr); font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1.5rem; background: var(--shade); border-right: 1px solid var(--line); font-size: .86rem; }
nav h1 { font-size: 1.25rem; margin: 0 0 1rem; } nav small { color: var(--soft); font-weight: 400; }
nav ul { list-style: none; margin: 0; padding: 0; } nav li { margin: .15rem 0; }
nav a { display: flex; gap: .5rem; align-items: baseline; } nav span { overflow-wrap: anywhere; }
main { padding: 2rem clamp(1rem, 4vw, 4rem) 6rem; max-width: 62rem; }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
.lead { font-size: 1.1rem; color: var(--soft); margin: 0 0 2rem; }
section { border-top: 1px solid var(--line); padding: 1.75rem 0 1rem; scroll-margin-top: 1rem; }
h2 { font-size: 1.15rem; margin: 0 0 .5rem; overflow-wrap: anywhere; } h3 { font-size: .78rem; margin: 1.25rem 0 .35rem; color: var(--soft); text-transform: uppercase; letter-spacing: .05em; }
.summary { margin: 0; font-weight: 600; } .access { margin-left: .5rem; padding: .1rem .5rem; border: 1px solid var(--line); border-radius: 1rem; font-size: .75rem; font-weight: 400; color: var(--soft); white-space: nowrap; }
b { font: 700 .72rem/1.6 ui-monospace, monospace; padding: 0 .4rem; border-radius: .25rem; color: #fff; background: #47536b; }
b.get { background: #1f6feb; } b.post { background: #1a7f4b; } b.put { background: #9a6700; } b.delete { background: #b3261e; }
code { font: .88em ui-monospace, monospace; } td code, p code, li code { background: var(--shade); padding: .08em .3em; border-radius: .25rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; } th { text-align: left; font-weight: 600; color: var(--soft); }
th, td { padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
tr:target { background: var(--shade); } .answers { margin: 0; padding-left: 1.1rem; }
details { margin: .75rem 0; } summary { cursor: pointer; color: var(--link); font-size: .9rem; }
.code { display: inline-block; font: .82rem ui-monospace, monospace; margin: .1rem .5rem .1rem 0; }
@media (max-width: 50rem) { body { display: block; } nav { position: static; height: auto; border: 0; } }
`;
