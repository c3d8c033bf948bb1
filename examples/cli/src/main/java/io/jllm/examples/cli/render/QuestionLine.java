package io.jllm.examples.cli.render;

import com.google.gson.JsonObject;
import io.jllm.chat.Message;
import io.jllm.chat.Role;
import io.jllm.examples.cli.output.BadInput;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A question of a file of them, a JSON object a line: {@code messages} as OpenAI's API has them, or {@code query} with, if need be, {@code system},
 * {@code history} (pairs of a question and its answer) and {@code response}; these are the formats of ms-swift's data sets. An answer that is there
 * already, as the last message or the response, is what the model should say: it is not shown to it.
 *
 * @param source the line
 * @param messages what is to be answered
 * @param label the answer that is there
 */
public record QuestionLine(JsonObject source, List<Message> messages, Optional<String> label) {
    public QuestionLine {
        messages = List.copyOf(messages);
    }

    /**
     * Reads a line.
     *
     * @param name how errors name it
     * @param system instructions for conversations that have none
     * @throws BadInput if it is no question
     */
    public static QuestionLine parse(String name, String line, Optional<Message> system) {
        Place top = Place.parse(name, line);
        if (!(top.json() instanceof JsonObject source)) {
            throw top.wrong("an object");
        }
        var messages = new ArrayList<Message>();
        Optional<String> label;
        if (!top.get("messages").isMissing()) {
            messages.addAll(ConversationFile.messages(top.get("messages")));
            boolean answered = messages.getLast().role() == Role.ASSISTANT;
            label = answered ? Optional.of(messages.removeLast().content()) : Optional.empty();
        } else if (!top.get("query").isMissing()) {
            messages.addAll(said(top));
            label = top.get("response").optionalText();
        } else {
            throw new BadInput(name + " has neither messages nor query");
        }
        if (messages.isEmpty()) {
            throw new BadInput(name + " asks nothing: its only message is an answer");
        }
        if (messages.getFirst().role() != Role.SYSTEM) {
            system.ifPresent(messages::addFirst);
        }
        return new QuestionLine(source, messages, label);
    }

    private static List<Message> said(Place top) {
        var messages = new ArrayList<Message>();
        top.get("system").optionalText().filter(s -> !s.isEmpty()).map(Message::system).ifPresent(messages::add);
        for (Place turn : top.get("history").list()) {
            List<Place> pair = turn.list();
            if (pair.size() != 2) {
                throw turn.wrong("a question and its answer");
            }
            messages.add(Message.user(pair.getFirst().text()));
            messages.add(Message.assistant(pair.getLast().text()));
        }
        messages.add(Message.user(top.get("query").text()));
        return messages;
    }
}
