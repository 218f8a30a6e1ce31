"""How the page looks: light and dark as the reader's screen is set, wide and narrow, and on paper."""

STYLE = """
:root { color-scheme: light dark; --ground: #fbfaf8; --card: #ffffff; --ink: #1d1c1a; --soft: #66625b; --line: #ddd8cf; --lane: #f0ece4;
  --well: #1d7a4c; --bad: #b3261e; --bad-soft: #b3261e24; --moved: #a9a294; --looked: #7d8794; --unread: #d98a00;
  --s0: #1f6fd0; --s1: #7b3fc4; --s2: #0b8a8f; --s3: #c2408f; --s4: #5b7f17; --s5: #8a5a2b; }
@media (prefers-color-scheme: dark) { :root { --ground: #161615; --card: #1f1f1d; --ink: #eceae4; --soft: #a8a398; --line: #3a3935; --lane: #2a2926;
  --well: #5fce96; --bad: #ff8a80; --bad-soft: #ff8a8030; --moved: #7c776c; --looked: #8d98a8; --unread: #f0b03c;
  --s0: #6aa9ff; --s1: #bb90ff; --s2: #4fcdd2; --s3: #f08ac8; --s4: #a9cf5c; --s5: #d3a06a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 84rem; padding: 1.5rem; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; }
.what { margin: 0; color: var(--soft); }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.25; overflow-wrap: anywhere; }
h2 { margin: 2rem 0 .5rem; font-size: 1.2rem; }
.verdict { margin: .5rem 0 1rem; padding-left: .75rem; border-left: .3rem solid var(--well); font-size: 1.1rem; }
.verdict.miss { border-color: var(--bad); }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: .75rem; margin: 0; }
dl div { padding: .6rem .8rem; background: var(--card); border: 1px solid var(--line); border-radius: .4rem; }
dt { color: var(--soft); font-size: .85rem; }
dd { margin: 0; font-variant-numeric: tabular-nums; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: .4rem; }
.scroll:focus-visible { outline: .15rem solid var(--s0); }
svg { display: block; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; }
svg .time, svg .number { text-anchor: middle; }
svg .time:first-of-type { text-anchor: start; }
svg .number { fill: var(--ink); font-weight: 600; }
svg .word { fill: var(--ink); }
.tick { stroke: var(--line); } .read { stroke: var(--ink); stroke-width: 1.5; }
.ground { fill: var(--lane); } .moved { fill: var(--moved); } .looked { fill: var(--looked); } .unread { fill: var(--unread); }
rect.miss { fill: var(--bad-soft); } rect.well { fill: none; } rect.ill { fill: var(--unread); }
.s0 { fill: var(--s0); background: var(--s0); } .s1 { fill: var(--s1); background: var(--s1); } .s2 { fill: var(--s2); background: var(--s2); }
.s3 { fill: var(--s3); background: var(--s3); } .s4 { fill: var(--s4); background: var(--s4); } .s5 { fill: var(--s5); background: var(--s5); }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.2rem; margin: .6rem 0 0; padding: 0; list-style: none; font-size: .9rem; }
.key { display: inline-block; width: .9rem; height: .9rem; margin-right: .4rem; border-radius: .15rem; vertical-align: -.1rem; }
.key.miss { background: var(--bad-soft); outline: 1px solid var(--bad); }
table { width: 100%; border-collapse: collapse; background: var(--card); font-variant-numeric: tabular-nums; }
caption { padding: 0 0 .4rem; text-align: left; color: var(--soft); font-size: .9rem; }
th, td { padding: .45rem .7rem; border: 1px solid var(--line); text-align: left; vertical-align: top; }
th { background: var(--lane); font-size: .85rem; font-weight: 600; }
.advice { color: var(--soft); }
img { display: block; max-width: 10rem; height: auto; border-radius: .25rem; }
footer { margin-top: 2rem; padding-top: .5rem; border-top: 1px solid var(--line); color: var(--soft); font-size: .9rem; }
@media (max-width: 52rem) {
  body { padding: 1rem; }
  table, caption, tbody, tr, td { display: block; }
  table { background: none; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { margin-bottom: .8rem; background: var(--card); border: 1px solid var(--line); border-radius: .4rem; }
  td { display: grid; grid-template-columns: 7rem 1fr; gap: .6rem; padding: .3rem .7rem; border: 0; }
  td::before { content: attr(data-name); color: var(--soft); font-size: .85rem; }
}
@media print { .scroll { overflow: visible; } tr { break-inside: avoid; } svg { max-width: 100%; height: auto; } }
"""
