// Messages as nodes.

import { markdown } from './markdown.js';

export function node(name, attributes = {}, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) e.addEventListener(key.slice(2), value);
    else if (value !== false && value !== undefined) e.setAttribute(key, value === true ? '' : value);
  }
  e.append(...children);
  return e;
}

function facts(message) {
  const words = [];
  if (message.tokens && message.millis) words.push(message.tokens + ' tokens', (message.tokens / (message.millis / 1000)).toFixed(1) + ' tokens/s');
  if (message.firstMillis !== undefined) words.push('first after ' + Math.round(message.firstMillis) + ' ms');
  if (message.finish && message.finish !== 'stop' && message.finish !== 'tool_calls') words.push('ended by ' + message.finish);
  return words.join(', ');
}

/** A call of a tool, with a field for what it gives while that is not known. */
function call(c, result, give) {
  const box = node('div', { class: 'call' }, node('strong', {}, c.function.name || 'tool'), node('pre', {}, node('code', {}, c.function.arguments)));
  if (result !== undefined) {
    box.append(node('span', {}, 'gave'), node('pre', {}, node('code', {}, result)));
  } else if (give) {
    const field = node('textarea', { rows: 2, 'aria-label': 'What ' + c.function.name + ' gives' });
    box.append(field, node('button', { type: 'button', onclick: () => give(c.id, field.value) }, 'Give this result'));
  }
  return box;
}

/**
 * The node of a message.
 *
 * @param message what it is of
 * @param context results of tool calls by id, whether it still comes, what buttons do: edit, retry, give
 */
export function messageNode(message, context) {
  const box = node('article', { class: 'message ' + message.role, 'aria-label': message.role === 'user' ? 'You' : 'Answer' });
  if (message.reasoning) {
    const open = context.running && !message.content;
    box.append(node('details', { class: 'reasoning', open }, node('summary', {}, open ? 'Thinking' : 'Thought'), node('div', {}, message.reasoning)));
  }
  const text = node('div', { class: 'text' });
  if (message.role === 'user') text.append(message.content);
  else text.append(markdown(message.content));
  box.append(text);
  for (const c of (message.calls ?? []).filter(x => x)) box.append(call(c, context.results[c.id], context.running ? undefined : context.give));
  if (message.error) box.append(node('p', { class: 'error' }, message.error));
  const line = node('div', { class: 'facts' });
  if (message.role === 'assistant' && facts(message)) line.append(node('span', {}, facts(message)));
  if (!context.running && context.edit) line.append(node('button', { type: 'button', onclick: context.edit }, 'Edit'));
  if (!context.running && context.retry) line.append(node('button', { type: 'button', onclick: context.retry }, 'Try again'));
  if (line.childNodes.length) box.append(line);
  return box;
}
