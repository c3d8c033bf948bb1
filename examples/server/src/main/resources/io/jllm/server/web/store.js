// What the browser keeps: conversations, settings, votes. Nothing of it leaves the browser but as messages to the server.

const PREFIX = 'jllm.';
const MOST = 100;

function read(name, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function write(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
    return true;
  } catch {
    return false; // the browser gives no more room, or none at all
  }
}

/** The latest first. */
export function conversations() {
  return read('conversations', []);
}

/** Keeps one, as the latest; the oldest go where there is no room. */
export function keep(conversation) {
  let all = [conversation, ...conversations().filter(c => c.id !== conversation.id)].slice(0, MOST);
  while (!write('conversations', all) && all.length > 1) all = all.slice(0, -1);
}

/** Forgets one. */
export function forget(id) {
  write('conversations', conversations().filter(c => c.id !== id));
}

export function settings() {
  return read('settings', {});
}

export function keepSettings(values) {
  write('settings', values);
}

/** How often each model was better, equal or worse in blind votes. */
export function votes() {
  return read('votes', {});
}

/** Counts a vote between two models: 0 or 1 for the better one, "tie" or "bad". */
export function vote(models, outcome) {
  const all = votes();
  models.forEach((model, i) => {
    const v = all[model] ??= { won: 0, lost: 0, equal: 0 };
    if (outcome === 'tie' || outcome === 'bad') v.equal++;
    else if (Number(outcome) === i) v.won++;
    else v.lost++;
  });
  write('votes', all);
}
