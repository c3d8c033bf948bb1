// The page: conversations of one or two sides, each with a model and its messages.

import * as api from './api.js';
import * as settings from './settings.js';
import * as store from './store.js';
import { messageNode, node } from './view.js';

const $ = id => document.getElementById(id);
const state = { models: [], conversation: fresh(), running: [], sides: [] };

function fresh() {
  return { id: crypto.randomUUID?.() ?? String(Math.random()).slice(2), title: '', sides: [], blind: false, voted: false };
}

function say(text, isError = false) {
  $('status').textContent = text;
  $('status').classList.toggle('error', isError);
}

// What is shown

function title(side, index) {
  const c = state.conversation;
  return c.blind && !c.voted ? 'Model ' + 'AB'[index] : side.model;
}

function results(messages) {
  return Object.fromEntries(messages.filter(m => m.role === 'tool').map(m => [m.tool_call_id, m.content]));
}

function drawSide(index) {
  const side = state.conversation.sides[index];
  const box = state.sides[index];
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  const running = state.running[index];
  const shown = side.messages.filter(m => m.role !== 'tool');
  const nodes = shown.map((m, i) => messageNode(m, {
    running: running && i === shown.length - 1,
    results: results(side.messages),
    edit: m.role === 'user' && !state.running.some(r => r) ? () => edit(m) : undefined,
    retry: m.role === 'assistant' && i === shown.length - 1 && !running ? () => retry(index) : undefined,
    give: i === shown.length - 1 ? (id, text) => give(index, id, text) : undefined,
  }));
  box.replaceChildren(...(state.conversation.sides.length > 1 ? [node('h2', {}, title(side, index))] : []), ...nodes);
  if (atEnd) box.scrollTop = box.scrollHeight;
}

function draw() {
  const c = state.conversation;
  state.sides = c.sides.map((_, i) => node('section', {
    class: 'side', role: 'log', 'aria-live': 'polite', tabindex: 0, 'aria-label': 'Messages ' + (i + 1),
  }));
  $('sides').replaceChildren(...state.sides);
  c.sides.forEach((_, i) => drawSide(i));
  state.sides.forEach(s => { s.scrollTop = s.scrollHeight; });
  drawRest();
}

function drawRest() {
  const c = state.conversation;
  const running = state.running.some(r => r);
  $('send').hidden = running;
  $('stop').hidden = !running;
  $('vote').hidden = running || !c.blind || c.voted || !c.sides.every(s => s.messages.some(m => m.role === 'assistant'));
  $('second-label').hidden = !$('beside').checked || $('blind').checked;
  $('blind-label').hidden = !$('beside').checked;
  $('model').disabled = $('beside').checked && $('blind').checked;
  drawHistory();
}

function drawHistory() {
  const current = c => c.id === state.conversation.id ? 'true' : undefined;
  $('conversations').replaceChildren(...store.conversations().map(c => node('li', { 'aria-current': current(c) },
    node('button', { type: 'button', onclick: () => open(c) }, c.title || 'Untitled'),
    node('button', { type: 'button', 'aria-label': 'Delete ' + (c.title || 'conversation'), onclick: () => remove(c.id) }, '×'))));
  const votes = Object.entries(store.votes());
  $('votes').hidden = votes.length === 0;
  $('votes').textContent = ['Blind votes: won, equal, lost', ...votes.map(([m, v]) => m + ': ' + v.won + ', ' + v.equal + ', ' + v.lost)].join('\n');
}

// Conversations

function open(conversation) {
  stop();
  state.conversation = conversation;
  state.running = [];
  $('beside').checked = conversation.sides.length > 1;
  $('blind').checked = conversation.blind;
  [$('model'), $('second')].forEach((select, i) => {
    const model = conversation.sides[i]?.model;
    if (model && state.models.includes(model) && !(conversation.blind && !conversation.voted)) select.value = model;
  });
  closePanels();
  draw();
}

function remove(id) {
  store.forget(id);
  if (id === state.conversation.id) open(fresh());
  else drawHistory();
}

/** The models of a conversation that begins: two by chance where nobody is to know. */
function begin() {
  const c = state.conversation;
  const beside = $('beside').checked;
  c.blind = beside && $('blind').checked;
  let models = beside ? [$('model').value, $('second').value] : [$('model').value];
  if (c.blind) {
    const all = [...state.models].sort(() => Math.random() - 0.5);
    models = [all[0], all[1] ?? all[0]];
  }
  c.sides = models.map(model => ({ model, messages: [] }));
}

/** Whether the choice of models is another one than that of the conversation. */
function chosenAnew() {
  const c = state.conversation;
  return c.sides.length !== ($('beside').checked ? 2 : 1) || c.blind !== ($('beside').checked && $('blind').checked);
}

function wire(messages) {
  const system = settings.system();
  return [...(system ? [{ role: 'system', content: system }] : []), ...messages.map(m => {
    if (m.role === 'tool') return { role: 'tool', content: m.content, tool_call_id: m.tool_call_id };
    const calls = (m.calls ?? []).filter(c => c);
    return { role: m.role, content: m.content, ...(calls.length ? { tool_calls: calls } : {}) };
  })];
}

async function answer(index) {
  const c = state.conversation;
  const side = c.sides[index];
  const message = { role: 'assistant', content: '', reasoning: '', calls: [], model: side.model };
  const control = new AbortController();
  let fields;
  try {
    fields = settings.fields();
  } catch (e) {
    say(e.message, true);
    return;
  }
  const request = { model: side.model, messages: wire(side.messages), ...fields };
  side.messages.push(message);
  state.running[index] = control;
  let due = false;
  const changed = () => {
    if (!due && state.conversation === c) {
      due = true;
      requestAnimationFrame(() => {
        due = false;
        if (state.conversation === c) drawSide(index);
      });
    }
  };
  draw();
  try {
    await api.answer(request, message, control.signal, changed);
  } catch (e) {
    if (e.name === 'AbortError') message.finish = 'you';
    else message.error = e.message;
  }
  store.keep(c);
  if (state.conversation === c) {
    state.running[index] = undefined;
    drawSide(index);
    drawRest();
    if (!state.running.some(r => r)) $('question').focus();
  }
}

function send(text) {
  if (!text.trim() || state.running.some(r => r) || state.models.length === 0) return;
  if (state.conversation.sides.length === 0 || chosenAnew()) {
    if (state.conversation.sides.length) state.conversation = fresh();
    begin();
  } else if (!state.conversation.blind) {
    [$('model'), $('second')].forEach((select, i) => {
      if (state.conversation.sides[i]) state.conversation.sides[i].model = select.value;
    });
  }
  const c = state.conversation;
  c.title ||= text.trim().slice(0, 60);
  c.sides.forEach(s => s.messages.push({ role: 'user', content: text }));
  $('question').value = '';
  say('');
  store.keep(c);
  c.sides.forEach((_, i) => answer(i));
}

function stop() {
  state.running.forEach(r => r?.abort());
}

/** The message comes back to be changed; what followed it goes. */
function edit(message) {
  const at = state.conversation.sides.map(s => s.messages).find(m => m.includes(message)).indexOf(message);
  const number = state.conversation.sides[0].messages.slice(0, at + 1).filter(m => m.role === 'user').length;
  for (const side of state.conversation.sides) {
    let seen = 0;
    const cut = side.messages.findIndex(m => m.role === 'user' && ++seen === number);
    if (cut >= 0) side.messages.length = cut;
  }
  $('question').value = message.content;
  $('question').focus();
  draw();
}

function retry(index) {
  const messages = state.conversation.sides[index].messages;
  if (messages.at(-1)?.role === 'assistant') messages.pop();
  answer(index);
}

/** The result of a tool; with the last one the model goes on. */
function give(index, id, text) {
  const messages = state.conversation.sides[index].messages;
  const calls = messages.findLast(m => m.role === 'assistant').calls.filter(c => c);
  messages.push({ role: 'tool', content: text, tool_call_id: id });
  const known = results(messages);
  if (calls.every(c => known[c.id] !== undefined)) answer(index);
  else drawSide(index);
}

// Around it

function showSettings(shown) {
  $('settings').hidden = !shown;
  $('show-settings').setAttribute('aria-expanded', String(shown));
}

/** Those that lie over the page, where it is narrow. */
function closePanels() {
  $('history').classList.remove('open');
  $('show-history').setAttribute('aria-expanded', 'false');
  if (matchMedia('(max-width: 60rem)').matches) showSettings(false);
}

function listen() {
  $('ask').addEventListener('submit', e => {
    e.preventDefault();
    send($('question').value);
  });
  $('question').addEventListener('keydown', e => {
    if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) {
      e.preventDefault();
      send($('question').value);
    }
  });
  document.addEventListener('keydown', e => {
    if (e.key === 'Escape') {
      stop();
      closePanels();
    }
  });
  $('stop').addEventListener('click', stop);
  $('new').addEventListener('click', () => {
    open(fresh());
    $('question').focus();
  });
  $('vote').addEventListener('click', e => {
    const outcome = e.target.dataset?.vote;
    if (outcome === undefined) return;
    state.conversation.voted = true;
    store.vote(state.conversation.sides.map(s => s.model), outcome);
    store.keep(state.conversation);
    draw();
  });
  for (const id of ['beside', 'blind']) $(id).addEventListener('change', drawRest);
  $('show-settings').addEventListener('click', () => showSettings($('settings').hidden));
  $('show-history').addEventListener('click', () => {
    $('show-history').setAttribute('aria-expanded', String($('history').classList.toggle('open')));
  });
  for (const id of ['close-history', 'close-settings']) $(id).addEventListener('click', closePanels);
  $('access').addEventListener('submit', e => e.preventDefault());
  $('key').addEventListener('change', () => {
    api.useKey($('key').value.trim());
    load();
  });
}

async function load() {
  try {
    state.models = await api.models();
  } catch (e) {
    say('The models cannot be listed: ' + e.message, true);
    return;
  }
  for (const id of ['model', 'second']) $(id).replaceChildren(...state.models.map(m => node('option', { value: m }, m)));
  if (state.models.length > 1) $('second').value = state.models[1];
  say('');
  drawRest();
}

settings.build(() => say(''));
listen();
draw();
load();
$('question').focus();
