package io.jllm.chat;

import io.jllm.jinja.value.ListValue;
import io.jllm.jinja.value.Str;
import io.jllm.jinja.value.Value;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Prompts that end with the last message, left open. A mark is put after that message, and the prompt is cut there; where the template strips
 * blanks around messages, they are stripped before the mark too. Source: transformers ({@code continue_final_message}).
 */
final class Continuation {
    /** Ends with a blank, which tells whether the template strips. */
    private static final String MARK = "CONTINUE_FINAL_MESSAGE_TAG ";

    private Continuation() {
    }

    /** @throws IllegalArgumentException if the last message is not of the assistant, or the template does not write it out */
    static Str render(CompiledTemplate template, MessageValues values, List<Message> messages, Map<String, Value> variables, Clock clock) {
        Message last = messages.getLast();
        if (last.role() != Role.ASSISTANT) {
            throw new IllegalArgumentException("continueLastMessage: the last message must be of the assistant, is of the role "
                    + last.role().templateName());
        }
        List<Value> all = new ArrayList<>();
        messages.subList(0, messages.size() - 1).forEach(m -> all.add(values.of(m, m.content())));
        all.add(values.of(last, last.content() + MARK));
        variables.put("messages", new ListValue(all));
        Str prompt = template.render(variables, clock);
        String text = prompt.text();
        int mark = text.lastIndexOf(MARK.strip());
        if (mark < 0 || !text.contains(last.content().strip())) {
            throw new IllegalArgumentException("continueLastMessage: the chat template does not write the last message out as it is, so that it "
                    + "cannot be continued");
        }
        int end = mark;
        if (!text.startsWith(MARK, mark)) {
            while (end > 0 && Str.isSpace(text.charAt(end - 1))) {
                end--;
            }
        }
        return prompt.part(0, end);
    }
}
