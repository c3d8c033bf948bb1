// Markdown as nodes. Text goes into text nodes only, so that nothing in an answer becomes markup of the page.

function element(name, ...children) {
  const e = document.createElement(name);
  e.append(...children);
  return e;
}

const INLINE = new RegExp([
  /(`+)(.+?)\1(?!`)/, // code
  /\*\*(.+?)\*\*|__(.+?)__/, // strong
  /\*(?!\s)(.+?)\*|(?<!\w)_(?!\s)(.+?)_(?!\w)/, // emphasis
  /~~(.+?)~~/,
  /\[([^\]]*)\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)\)/, // [text](address)
  /(https?:\/\/[^\s<>()]+[^\s<>().,;:!?'"])/,
  /\\([\\`*_{}[\]()#+\-.!|~>])/,
  /(\n)/,
].map(part => part.source).join('|'), 's');

/** Only addresses that lead to other pages. */
function link(text, address) {
  if (!/^(https?:|mailto:)/i.test(address)) {
    return document.createTextNode(text + ' (' + address + ')');
  }
  const a = element('a', ...inline(text));
  a.href = address;
  a.target = '_blank';
  a.rel = 'noopener noreferrer';
  return a;
}

function inline(text) {
  const nodes = [];
  let rest = text;
  for (let m = INLINE.exec(rest); m; m = INLINE.exec(rest)) {
    nodes.push(document.createTextNode(rest.slice(0, m.index)));
    if (m[2] !== undefined) nodes.push(element('code', m[2]));
    else if (m[3] ?? m[4]) nodes.push(element('strong', ...inline(m[3] ?? m[4])));
    else if (m[5] ?? m[6]) nodes.push(element('em', ...inline(m[5] ?? m[6])));
    else if (m[7]) nodes.push(element('del', ...inline(m[7])));
    else if (m[9] !== undefined) nodes.push(link(m[8] || m[9], m[9]));
    else if (m[10]) {
      const a = element('a', m[10]);
      a.href = m[10];
      a.target = '_blank';
      a.rel = 'noopener noreferrer';
      nodes.push(a);
    } else if (m[11]) nodes.push(document.createTextNode(m[11]));
    else nodes.push(document.createElement('br'));
    rest = rest.slice(m.index + m[0].length);
  }
  nodes.push(document.createTextNode(rest));
  return nodes;
}

function code(lines, language) {
  const pre = element('pre', element('code', lines.join('\n')));
  const copy = element('button', 'Copy');
  copy.type = 'button';
  copy.setAttribute('aria-label', 'Copy the code' + (language ? ' in ' + language : ''));
  copy.addEventListener('click', () => navigator.clipboard?.writeText(lines.join('\n')));
  pre.append(copy);
  return pre;
}

const FENCE = /^\s*(```+|~~~+)\s*(\S*)/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*\s*$/;
const ITEM = /^(\s*)([-*+]|\d{1,9}[.)])\s+(.*)$/;
const RULE = /^\s*([-*_])(\s*\1){2,}\s*$/;
const DIVIDER = /^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;

function cells(line) {
  return line.trim().replace(/^\||\|$/g, '').split(/(?<!\\)\|/).map(c => c.trim().replace(/\\\|/g, '|'));
}

function table(head, rows) {
  const row = (line, kind) => element('tr', ...cells(line).map(c => element(kind, ...inline(c))));
  return element('table', element('thead', row(head, 'th')), element('tbody', ...rows.map(r => row(r, 'td'))));
}

/** A list from line {@code at} on: items of the same indentation; deeper lines are the items' own. */
function list(lines, at) {
  const [, indent, mark] = ITEM.exec(lines[at]);
  const ordered = /\d/.test(mark);
  const all = document.createElement(ordered ? 'ol' : 'ul');
  if (ordered && parseInt(mark, 10) !== 1) all.start = parseInt(mark, 10);
  let i = at;
  while (i < lines.length) {
    const m = ITEM.exec(lines[i]);
    if (!m || m[1].length !== indent.length || /\d/.test(m[2]) !== ordered) break;
    const own = [m[3]];
    for (i++; i < lines.length; i++) {
      const deeper = /^\s*/.exec(lines[i])[0].length > indent.length;
      const blankInside = lines[i].trim() === '' && i + 1 < lines.length && /^\s*/.exec(lines[i + 1])[0].length > indent.length;
      if (!deeper && !blankInside) break;
      own.push(lines[i].slice(Math.min(indent.length + 2, /^\s*/.exec(lines[i])[0].length)));
    }
    all.append(element('li', ...blocks(own, true)));
  }
  return [all, i];
}

function blocks(lines, tight = false) {
  const nodes = [];
  let i = 0;
  while (i < lines.length) {
    const line = lines[i];
    const fence = FENCE.exec(line);
    if (line.trim() === '') {
      i++;
    } else if (fence) {
      const body = [];
      for (i++; i < lines.length && !(lines[i].trim().startsWith(fence[1]) && lines[i].trim().replace(/[`~]/g, '') === ''); i++) body.push(lines[i]);
      nodes.push(code(body, fence[2]));
      i++;
    } else if (HEADING.test(line)) {
      const [, marks, text] = HEADING.exec(line);
      nodes.push(element('h' + Math.min(6, marks.length + 2), ...inline(text)));
      i++;
    } else if (RULE.test(line)) {
      nodes.push(document.createElement('hr'));
      i++;
    } else if (/^\s*>/.test(line)) {
      const quoted = [];
      for (; i < lines.length && /^\s*>/.test(lines[i]); i++) quoted.push(lines[i].replace(/^\s*> ?/, ''));
      nodes.push(element('blockquote', ...blocks(quoted)));
    } else if (ITEM.test(line)) {
      const [all, next] = list(lines, i);
      nodes.push(all);
      i = next;
    } else if (line.includes('|') && i + 1 < lines.length && DIVIDER.test(lines[i + 1]) && lines[i + 1].includes('-')) {
      const rows = [];
      let j = i + 2;
      for (; j < lines.length && lines[j].includes('|') && lines[j].trim() !== ''; j++) rows.push(lines[j]);
      nodes.push(table(line, rows));
      i = j;
    } else {
      const text = [];
      for (; i < lines.length && lines[i].trim() !== '' && !FENCE.test(lines[i]) && !HEADING.test(lines[i]) && !/^\s*>/.test(lines[i])
          && !(text.length && (ITEM.test(lines[i]) || RULE.test(lines[i]))); i++) text.push(lines[i].trim());
      nodes.push(...(tight && nodes.length === 0 ? inline(text.join('\n')) : [element('p', ...inline(text.join('\n')))]));
    }
  }
  return nodes;
}

/** The nodes of a text. */
export function markdown(text) {
  const all = document.createDocumentFragment();
  all.append(...blocks(text.split(/\r?\n/)));
  return all;
}
