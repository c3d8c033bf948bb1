// What is asked of the server that this page comes from.

let key = '';

/** The key that requests carry. */
export function useKey(value) {
  key = value;
}

function headers() {
  return { 'Content-Type': 'application/json', ...(key ? { Authorization: 'Bearer ' + key } : {}) };
}

async function failure(response) {
  let message = response.status + ' ' + response.statusText;
  try {
    message = (await response.json()).error.message;
  } catch {
    // no JSON: the status says it
  }
  return new Error(message);
}

/** Names of the models. */
export async function models() {
  const response = await fetch('v1/models', { headers: headers() });
  if (!response.ok) throw await failure(response);
  return (await response.json()).data.map(m => m.id);
}

/** The data of the events of a stream. */
async function* events(body) {
  const decoder = new TextDecoder();
  let text = '';
  for await (const chunk of chunks(body)) {
    text += decoder.decode(chunk, { stream: true });
    for (let end = text.search(/\r?\n\r?\n/); end >= 0; end = text.search(/\r?\n\r?\n/)) {
      const event = text.slice(0, end);
      text = text.slice(end).replace(/^\r?\n\r?\n/, '');
      const data = event.split(/\r?\n/).filter(l => l.startsWith('data:')).map(l => l.slice(5).trimStart()).join('\n');
      if (data && data !== '[DONE]') yield JSON.parse(data);
    }
  }
}

async function* chunks(body) {
  const reader = body.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  } finally {
    reader.releaseLock();
  }
}

/** Merges what came of tool calls into those that are there. */
function merge(calls, deltas) {
  for (const d of deltas) {
    const call = calls[d.index] ??= { id: '', type: 'function', function: { name: '', arguments: '' } };
    if (d.id) call.id = d.id;
    if (d.function?.name) call.function.name += d.function.name;
    if (d.function?.arguments) call.function.arguments += d.function.arguments;
  }
}

/**
 * Streams an answer into a message, and tells after each piece.
 *
 * @param request body of a chat completion
 * @param message gets content, reasoning, calls and facts
 * @param signal ends it
 * @param changed called when the message has changed
 */
export async function answer(request, message, signal, changed) {
  const start = performance.now();
  const response = await fetch('v1/chat/completions', {
    method: 'POST', headers: headers(), signal, body: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } }),
  });
  if (!response.ok) throw await failure(response);
  for await (const event of events(response.body)) {
    if (event.error) throw new Error(event.error.message);
    const choice = event.choices?.[0];
    if (choice) {
      const delta = choice.delta ?? {};
      const first = message.firstMillis === undefined && (delta.content || delta.reasoning_content || delta.tool_calls);
      if (first) message.firstMillis = performance.now() - start;
      if (delta.content) message.content += delta.content;
      if (delta.reasoning_content) message.reasoning += delta.reasoning_content;
      if (delta.tool_calls) merge(message.calls, delta.tool_calls);
      if (choice.finish_reason) message.finish = choice.finish_reason;
    }
    if (event.usage) message.tokens = event.usage.completion_tokens;
    message.millis = performance.now() - start;
    changed();
  }
}
