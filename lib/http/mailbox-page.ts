const STYLE = `
:root{color-scheme:light dark;--ink:#1b1b1f;--quiet:#5c5c66;--paper:#fbfbfd;--card:#fff;--line:#d4d4dc;--pick:#e3eafd;--accent:#1d4ed8}
@media(prefers-color-scheme:dark){:root{--ink:#ececf1;--quiet:#a2a2ae;--paper:#131316;--card:#1d1d22;--line:#3a3a44;--pick:#26304a;--accent:#9dbbff}}
*{box-sizing:border-box}
html,body{height:100%}
body{margin:0;display:flex;flex-direction:column;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
header{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:baseline;padding:.75rem 1rem;border-bottom:1px solid var(--line)}
h1{font-size:1.1rem;margin:0}
#count{color:var(--quiet);margin:0;flex:1}
#search{font:inherit;color:inherit;background:var(--card);border:1px solid var(--line);border-radius:.4rem;padding:.3rem .6rem;width:16rem;max-width:100%}
.panes{flex:1;min-height:0;display:grid;grid-template-columns:minmax(16rem,24rem) 1fr}
#list{overflow:auto;margin:0;padding:0;list-style:none;border-right:1px solid var(--line)}
#list button{display:block;width:100%;text-align:left;font:inherit;color:inherit;background:none;border:0;border-bottom:1px solid var(--line);padding:.5rem 1rem;cursor:pointer}
#list button:hover{background:var(--card)}
#list button[aria-current=true]{background:var(--pick)}
#list button:focus-visible,.tabs button:focus-visible,#search:focus-visible,a:focus-visible{outline:2px solid var(--accent);outline-offset:-2px}
#list .to{display:flex;justify-content:space-between;gap:1rem;color:var(--quiet);font-size:.85rem}
#list .to span:last-child{flex:none}
#list span{overflow:hidden;text-overflow:ellipsis;white-space:nowrap}
#list .subject{display:block;font-weight:600}
#mail{display:flex;flex-direction:column;min-width:0;min-height:0}
#read{flex:1;min-height:0;display:flex;flex-direction:column}
#empty{margin:auto;padding:2rem;color:var(--quiet);text-align:center}
.head{padding:1rem;border-bottom:1px solid var(--line)}
.head h2{font-size:1.2rem;margin:0 0 .25rem;overflow-wrap:anywhere}
.head p{margin:0;color:var(--quiet);overflow-wrap:anywhere}
.tabs{display:flex;gap:.25rem;padding:.5rem 1rem;border-bottom:1px solid var(--line);align-items:center}
.tabs button{font:inherit;color:inherit;background:none;border:1px solid transparent;border-radius:.4rem;padding:.2rem .7rem;cursor:pointer}
.tabs button[aria-selected=true]{background:var(--pick);border-color:var(--line)}
.tabs a{margin-left:auto;color:var(--accent)}
iframe{flex:1;border:0;width:100%;background:#fff}
pre,table{flex:1;overflow:auto;margin:0;padding:1rem;font:13px/1.5 ui-monospace,monospace}
pre{white-space:pre-wrap;overflow-wrap:anywhere}
.headers{flex:1;overflow:auto}
td{vertical-align:top;padding:.15rem .75rem .15rem 0;overflow-wrap:anywhere}
td:first-child{white-space:nowrap;color:var(--quiet)}
[hidden]{display:none!important}
@media(max-width:45rem){.panes{grid-template-columns:1fr;grid-template-rows:40% 60%}#list{border-right:0;border-bottom:1px solid var(--line)}}
`;

const SCRIPT = `
'use strict';
const find = (id) => document.getElementById(id);
let mails = [], arrived = -1, chosen, view = 'html';

function element(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
function time(ms) { return new Date(ms).toLocaleTimeString(); }

function showList() {
  const words = find('search').value.toLowerCase().split(/\\s+/).filter(Boolean);
  const shown = mails.filter((mail) => words.every((word) => (mail.subject + ' ' + mail.to + ' ' + mail.from).toLowerCase().includes(word)));
  find('list').replaceChildren(...shown.map((mail) => {
    const button = element('button', { type: 'button', 'aria-current': String(mail.id === chosen) },
      element('span', { class: 'subject' }, mail.subject || '(no subject)'),
      element('span', { class: 'to' }, element('span', {}, mail.to), element('span', {}, time(mail.receivedAt))));
    button.addEventListener('click', () => choose(mail.id));
    return element('li', {}, button);
  }));
  const kept = mails.length < arrived ? ', the last ' + mails.length.toLocaleString() + ' kept' : '';
  find('count').textContent = arrived.toLocaleString() + (arrived === 1 ? ' mail arrived' : ' mails arrived') + kept +
    (shown.length < mails.length ? ', ' + shown.length.toLocaleString() + ' shown' : '');
  find('waiting').hidden = mails.length > 0;
  find('pick').hidden = mails.length === 0;
}

async function choose(id) {
  const answer = await fetch('mailbox/' + id);
  if (!answer.ok) return;
  const mail = await answer.json();
  chosen = id;
  showList();
  find('empty').hidden = true;
  find('read').hidden = false;
  find('subject').textContent = mail.subject || '(no subject)';
  find('people').textContent = mail.from + ' → ' + mail.to + ' · ' + new Date(mail.receivedAt).toLocaleString();
  find('eml').href = 'mailbox/' + id + '/mail.eml';
  find('tab-html').hidden = !mail.hasHtml;
  find('view-html').src = mail.hasHtml ? 'mailbox/' + id + '/html' : 'about:blank';
  find('view-text').textContent = mail.text === undefined ? 'This mail has no text part.' : mail.text;
  find('fields').replaceChildren(...mail.headers.map((field) =>
    element('tr', {}, element('td', {}, field.name), element('td', {}, field.value))));
  show(view === 'html' && !mail.hasHtml ? 'text' : view);
}

function show(which) {
  for (const name of ['html', 'text', 'headers']) {
    find('tab-' + name).setAttribute('aria-selected', String(name === which));
    find('view-' + name).hidden = name !== which;
  }
}
for (const name of ['html', 'text', 'headers']) {
  find('tab-' + name).addEventListener('click', () => { view = name; show(name); });
}
find('search').addEventListener('input', showList);
document.addEventListener('keydown', (event) => {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  const buttons = [...find('list').querySelectorAll('button')];
  const at = buttons.indexOf(document.activeElement);
  if (at < 0) return;
  event.preventDefault();
  const next = buttons[at + (event.key === 'ArrowDown' ? 1 : -1)];
  if (next) next.focus();
});

async function refresh() {
  try {
    const answer = await fetch('mailbox/list');
    const news = await answer.json();
    if (news.arrived !== arrived || (mails[0] && news.mails[0] && mails[0].id !== news.mails[0].id)) {
      const focused = document.activeElement && document.activeElement.closest('#list') !== null;
      arrived = news.arrived;
      mails = news.mails;
      showList();
      if (focused) { const current = find('list').querySelector('[aria-current=true]'); if (current) current.focus(); }
    }
    find('lost').hidden = true;
  } catch { find('lost').hidden = false; }
  setTimeout(refresh, document.hidden ? 5000 : 1500);
}
refresh();
`;

/** The mailbox page: one file, nothing loaded from elsewhere; asks for news every second or two. */
export function mailboxPage(nonce: string): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Mailbox</title><link rel="icon" href="data:,"><style nonce="${nonce}">${STYLE}</style></head>
<body>
<header><h1>Mailbox</h1><p id="count" role="status">Looking …</p><p id="lost" role="alert" hidden>The runtime does not answer.</p>
<input id="search" type="search" placeholder="Find address or subject" aria-label="Find address or subject"></header>
<div class="panes">
<ul id="list" aria-label="Mails"></ul>
<main id="mail">
<div id="empty"><p id="waiting">No mail yet. Launch the campaign: in the editor, press the button of the trigger node.</p><p id="pick" hidden>Choose a mail.</p></div>
<div id="read" hidden>
<div class="head"><h2 id="subject"></h2><p id="people"></p></div>
<div class="tabs" role="tablist"><button id="tab-html" role="tab" type="button" aria-controls="view-html">HTML</button><button id="tab-text" role="tab" type="button" aria-controls="view-text">Text</button><button id="tab-headers" role="tab" type="button" aria-controls="view-headers">Headers</button><a id="eml" href="" download>Download</a></div>
<iframe id="view-html" role="tabpanel" title="The mail as HTML" sandbox="allow-popups allow-popups-to-escape-sandbox"></iframe>
<pre id="view-text" role="tabpanel"></pre>
<div id="view-headers" role="tabpanel" class="headers"><table><tbody id="fields"></tbody></table></div>
</div>
</main>
</div>
<script nonce="${nonce}">${SCRIPT}</script>
</body></html>`;
}
