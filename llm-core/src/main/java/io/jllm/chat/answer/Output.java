package io.jllm.chat.answer;

import io.jllm.chat.Answer;
import io.jllm.chat.AnswerPart;
import io.jllm.chat.ToolCall;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * What was understood: the parts since they were last asked for, and the whole answer. White space between content, reasoning and calls belongs
 * to none of them, and end-of-turn tokens at the end are no text: so both wait until it is known what follows. Content on both sides of something
 * else is joined by a line end, and so is reasoning.
 */
final class Output {
    /** What a piece of the answer was taken for. */
    enum Kind { CONTENT, REASONING, CALL, MARKUP }

    /** Is told each piece of the answer once, in their order. */
    @FunctionalInterface
    interface Trace {
        void taken(Kind kind, String source);
    }

    private final Supplier<String> ids;
    private final Trace trace;
    private final Set<String> usedIds = new HashSet<>();

    private final StringBuilder content = new StringBuilder();
    private final StringBuilder reasoning = new StringBuilder();
    private final List<ToolCall> calls = new ArrayList<>();
    private final StringBuilder arguments = new StringBuilder();
    private String id = "";
    private String name = "";
    private boolean inCall;

    private Kind text = Kind.CONTENT;
    /** Whether {@link #text} has begun: white space before it is none of it. */
    private boolean begun = true;
    private final StringBuilder waiting = new StringBuilder();
    /** How much of what waits is white space before the first end token; -1 if none waits. */
    private int spaceBeforeEnd = -1;

    private List<AnswerPart> parts = new ArrayList<>();
    private Kind lastKind = Kind.MARKUP;
    private final StringBuilder lastText = new StringBuilder();

    Output(Supplier<String> ids, Trace trace) {
        this.ids = ids;
        this.trace = trace;
    }

    /** Text for the user. */
    void content(String more) {
        text(Kind.CONTENT, more);
    }

    /** What the model thinks. */
    void reasoning(String more) {
        text(Kind.REASONING, more);
    }

    private void text(Kind kind, String more) {
        if (more.isEmpty()) {
            return;
        }
        if (kind != text) {
            become(kind);
        }
        int end = more.length();
        while (end > 0 && Input.isSpace(more.charAt(end - 1))) {
            end--;
        }
        if (end > 0) {
            int start = 0;
            if (!begun) {
                begun = true;
                join();
                while (waiting.isEmpty() && Input.isSpace(more.charAt(start))) {
                    start++;
                }
            }
            give(waiting.toString());
            clearWaiting();
            drop(more.substring(0, start));
            give(more.substring(start, end));
        }
        if (begun || !waiting.isEmpty()) {
            waiting.append(more, end, more.length());
        } else {
            drop(more.substring(end));
        }
    }

    /** A token that ends the turn, if nothing follows but its like and white space; else it is text. */
    void endToken(String token) {
        if (spaceBeforeEnd < 0) {
            spaceBeforeEnd = waiting.length();
        }
        waiting.append(token);
    }

    private void become(Kind kind) {
        drop(waiting.toString());
        clearWaiting();
        text = kind;
        begun = false;
    }

    /** Something between texts, that is none itself. */
    void markup(String source) {
        become(text);
        drop(source);
    }

    private void clearWaiting() {
        waiting.setLength(0);
        spaceBeforeEnd = -1;
    }

    private void drop(String source) {
        take(Kind.MARKUP, source);
    }

    /** Texts that something stood between stay apart: the white space around it is dropped. */
    private void join() {
        if (!whole().isEmpty()) {
            whole().append('\n');
            append(text, "\n");
        }
    }

    private StringBuilder whole() {
        return text == Kind.CONTENT ? content : reasoning;
    }

    private void give(String more) {
        if (!more.isEmpty()) {
            take(text, more);
            whole().append(more);
            append(text, more);
        }
    }

    private void take(Kind kind, String source) {
        if (!source.isEmpty()) {
            trace.taken(kind, source);
        }
    }

    /** A call begins. */
    void callStart(Optional<String> wantedId, String toolName, String source) {
        become(text);
        take(Kind.CALL, source);
        id = wantedId.filter(i -> !i.isBlank() && !usedIds.contains(i)).orElseGet(ids);
        usedIds.add(id);
        name = toolName;
        inCall = true;
        arguments.setLength(0);
        add(new AnswerPart.CallStart(calls.size(), id, name));
    }

    /** More of the arguments' JSON text, and what the model wrote for it. */
    void arguments(String json, String source) {
        take(Kind.CALL, source);
        if (!json.isEmpty()) {
            arguments.append(json);
            append(Kind.CALL, json);
        }
    }

    /** The call is whole. */
    void callEnd() {
        if (arguments.toString().isBlank()) {
            arguments("{}", "");
        }
        add(new AnswerPart.CallEnd(calls.size()));
        calls.add(new ToolCall(id, name, arguments.toString()));
        inCall = false;
    }

    /** The answer is at its end: what waited is text, but for end-of-turn tokens. */
    void finish() {
        String rest = waiting.toString();
        int keep = spaceBeforeEnd < 0 ? rest.length() : spaceBeforeEnd;
        clearWaiting();
        if (begun) {
            give(rest.substring(0, keep));
            drop(rest.substring(keep));
        } else {
            drop(rest);
        }
        flush();
    }

    private void append(Kind kind, String more) {
        if (kind != lastKind) {
            flush();
            lastKind = kind;
        }
        lastText.append(more);
    }

    private void add(AnswerPart part) {
        flush();
        parts.add(part);
    }

    private void flush() {
        if (!lastText.isEmpty()) {
            String t = lastText.toString();
            parts.add(switch (lastKind) {
                case CONTENT -> new AnswerPart.Content(t);
                case REASONING -> new AnswerPart.Reasoning(t);
                case CALL, MARKUP -> new AnswerPart.CallArguments(calls.size(), t);
            });
            lastText.setLength(0);
        }
        lastKind = Kind.MARKUP;
    }

    /** The parts since the last time. Of arguments, white space and a brace alone wait for what follows: a piece says something. */
    List<AnswerPart> drain() {
        if (lastKind != Kind.CALL || !lastText.toString().isBlank() && !lastText.toString().strip().equals("{")) {
            flush();
        }
        var drained = List.copyOf(parts);
        parts = new ArrayList<>();
        return drained;
    }

    /** All that was understood so far. */
    Answer answer() {
        return new Answer(content.toString(), reasoning.isEmpty() ? Optional.empty() : Optional.of(reasoning.toString()), calls,
                inCall ? Optional.of(new ToolCall(id, name, arguments.toString())) : Optional.empty());
    }
}
