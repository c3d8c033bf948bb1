// The panel of settings, and what they add to a request.

import * as store from './store.js';

const NUMBERS = [
  ['temperature', 'Temperature', 0, 0.1], ['top_p', 'Top p', 0, 0.05], ['top_k', 'Top k', 0, 1], ['min_p', 'Min p', 0, 0.01],
  ['repetition_penalty', 'Repetition penalty', 0, 0.05], ['presence_penalty', 'Presence penalty', -2, 0.1],
  ['frequency_penalty', 'Frequency penalty', -2, 0.1], ['seed', 'Seed', 0, 1], ['max_tokens', 'Most tokens', 1, 1],
];
const TEXTS = ['system', 'stop-texts', 'thinking', 'schema', 'tools'];
const $ = id => document.getElementById(id);

/** Builds the panel and fills it with what was kept; the key is kept nowhere. */
export function build(changed) {
  const kept = store.settings();
  for (const [name, title, least, step] of NUMBERS) {
    const input = document.createElement('input');
    Object.assign(input, { id: name, type: 'number', min: least, step, placeholder: 'model\'s own' });
    const label = document.createElement('label');
    label.append(title, input);
    $('sampling').append(label);
  }
  for (const id of [...NUMBERS.map(n => n[0]), ...TEXTS]) {
    $(id).value = kept[id] ?? '';
    $(id).addEventListener('change', () => {
      store.keepSettings(Object.fromEntries([...NUMBERS.map(n => n[0]), ...TEXTS].map(k => [k, $(k).value])));
      changed();
    });
  }
}

function json(id, what) {
  const text = $(id).value.trim();
  if (!text) return undefined;
  try {
    return JSON.parse(text);
  } catch (e) {
    throw new Error(what + ' is no JSON: ' + e.message);
  }
}

/** The system prompt; empty for none. */
export function system() {
  return $('system').value.trim();
}

/** What the settings add to a request; throws what is wrong with them. */
export function fields() {
  const all = {};
  for (const [name, title] of NUMBERS) {
    const value = $(name).value.trim();
    if (value !== '') {
      if (!Number.isFinite(Number(value))) throw new Error(title + ' must be a number');
      all[name] = Number(value);
    }
  }
  const stops = $('stop-texts').value.split('\n').filter(s => s !== '');
  if (stops.length) all.stop = stops;
  if ($('thinking').value) all.chat_template_kwargs = { enable_thinking: $('thinking').value === 'true' };
  const schema = json('schema', 'The schema');
  if (schema !== undefined) all.response_format = { type: 'json_schema', json_schema: { name: 'answer', schema, strict: true } };
  const tools = json('tools', 'What the tools are');
  if (tools !== undefined && tools.length) all.tools = tools;
  return all;
}
