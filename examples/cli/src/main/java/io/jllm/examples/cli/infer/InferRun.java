package io.jllm.examples.cli.infer;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.jllm.LLM;
import io.jllm.Request;
import io.jllm.RequestHandle;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.chat.Answer;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.Message;
import io.jllm.chat.ToolCall;
import io.jllm.examples.cli.options.Texts;
import io.jllm.examples.cli.output.BadInput;
import io.jllm.examples.cli.output.Failures;
import io.jllm.examples.cli.render.QuestionLine;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ExecutionException;

/** A file of questions while it is answered: so many at a time, and written in their order. For one thread. */
public final class InferRun {
    private static final String MESSAGES = "messages";
    private static final String RESPONSE = "response";
    /** What an answer adds to its question; what a question has by these names is not kept. */
    private static final Set<String> ADDED = Set.of(RESPONSE, "labels", "reasoning_content", "tool_calls", "finish_reason", "error");

    private final List<Line> lines = new ArrayList<>();
    private int failed;

    /** A line, and either what it asks or why it asks nothing. */
    private record Line(Optional<QuestionLine> question, String problem) {
    }

    /**
     * How the questions are answered.
     *
     * @param options tools, template and its variables
     * @param atOnce questions at a time
     */
    public record How(LLM llm, ChatOptions options, SamplingParams params, int atOnce) {
    }

    /** A question that is being answered; without a request there is only its problem. */
    private record Asked(Line line, Optional<Request.Chat> chat, Optional<RequestHandle> handle) {
        Asked(Line line) {
            this(line, Optional.empty(), Optional.empty());
        }
    }

    /**
     * Reads the questions; blank lines are passed over.
     *
     * @param system instructions for those that have none
     */
    public InferRun(Path file, Optional<Message> system) throws IOException {
        List<String> texts = Texts.lines(Texts.read(file));
        for (int i = 0; i < texts.size(); i++) {
            if (!texts.get(i).isBlank()) {
                lines.add(line(file + ", line " + (i + 1), texts.get(i), system));
            }
        }
    }

    private static Line line(String name, String text, Optional<Message> system) {
        try {
            return new Line(Optional.of(QuestionLine.parse(name, text, system)), "");
        } catch (BadInput e) {
            return new Line(Optional.empty(), e.getMessage());
        }
    }

    /** How many there are. */
    public int size() {
        return lines.size();
    }

    /**
     * Answers all that have no answer yet.
     *
     * @param step called after each
     * @return a sentence of how it went
     */
    public String answer(How how, Answers answers, Runnable step) throws InterruptedException {
        int before = check(answers.there());
        for (int i = 0; i < before; i++) {
            step.run();
        }
        var window = new ArrayDeque<Asked>();
        try {
            for (Line line : lines.subList(before, lines.size())) {
                if (window.size() == how.atOnce) {
                    answers.write(end(window.remove()));
                    step.run();
                }
                window.add(begin(how, line));
            }
            while (!window.isEmpty()) {
                answers.write(end(window.remove()));
                step.run();
            }
        } finally {
            window.forEach(a -> a.handle.ifPresent(RequestHandle::cancel));
        }
        int done = lines.size() - before - failed;
        return done + " answered, " + failed + " not" + (before == 0 ? "" : ", " + before + " were answered before");
    }

    /** How many questions have their answers. */
    private int check(List<JsonObject> there) {
        for (int i = 0; i < there.size(); i++) {
            JsonObject answer = there.get(i);
            if (i >= lines.size() || lines.get(i).question.filter(q -> !belongs(answer, q)).isPresent()) {
                throw new BadInput("the output is there, and its line " + (i + 1) + " is no answer to the question at that place: name another file");
            }
        }
        return there.size();
    }

    private static boolean belongs(JsonObject answer, QuestionLine question) {
        JsonObject asked = question.source();
        return asked.keySet().stream().filter(key -> !key.equals(MESSAGES) && !ADDED.contains(key))
                .allMatch(key -> asked.get(key).equals(answer.get(key)))
                && (!asked.has(MESSAGES) || answer.get(MESSAGES) instanceof JsonArray said && begins(said, asked(question)));
    }

    private static boolean begins(JsonArray said, JsonArray asked) {
        return said.size() >= asked.size() && said.asList().subList(0, asked.size()).equals(asked.asList());
    }

    /** The messages as the line has them, without the answer that is there already. */
    private static JsonArray asked(QuestionLine question) {
        JsonArray messages = question.source().getAsJsonArray(MESSAGES).deepCopy();
        if (question.label().isPresent()) {
            messages.remove(messages.size() - 1);
        }
        return messages;
    }

    private static Asked begin(How how, Line line) {
        if (line.question.isEmpty()) {
            return new Asked(line);
        }
        try {
            Request.Chat chat = how.llm.chatRequest(line.question.get().messages(), how.options, how.params);
            return new Asked(line, Optional.of(chat), Optional.of(how.llm.submit(chat.request())));
        } catch (IllegalArgumentException e) { // as a template says it of roles that it does not know
            return new Asked(new Line(line.question, Failures.line(e)));
        }
    }

    private JsonObject end(Asked asked) throws InterruptedException {
        JsonObject answer = asked.line.question.map(q -> q.source().deepCopy()).orElseGet(JsonObject::new);
        ADDED.forEach(answer::remove);
        answer.add(RESPONSE, JsonNull.INSTANCE);
        Optional<String> label = asked.line.question.flatMap(QuestionLine::label);
        if (asked.handle.isEmpty()) {
            return failed(answer, label, asked.line.problem);
        }
        RequestOutput output;
        try {
            output = asked.handle.get().result().get();
        } catch (ExecutionException e) {
            throw new IllegalStateException(e); // failures are results
        }
        if (output.error().isPresent()) {
            return failed(answer, label, Failures.line(output.error().get()));
        }
        Request.Chat chat = asked.chat.orElseThrow();
        Answer said = chat.answer(output.outputs().getFirst());
        answer.addProperty(RESPONSE, said.content());
        labelled(answer, label);
        said.reasoning().ifPresent(r -> answer.addProperty("reasoning_content", r));
        if (!said.toolCalls().isEmpty()) {
            answer.add("tool_calls", calls(said.toolCalls()));
        }
        if (answer.has(MESSAGES)) {
            JsonArray messages = asked(asked.line.question.orElseThrow());
            messages.add(message(said));
            answer.add(MESSAGES, messages);
        }
        answer.addProperty("finish_reason", chat.finishReason(said, output.outputs().getFirst().finishReason()).name().toLowerCase(Locale.ROOT));
        return answer;
    }

    private JsonObject failed(JsonObject answer, Optional<String> label, String why) {
        failed++;
        labelled(answer, label);
        answer.addProperty("error", why);
        return answer;
    }

    private static void labelled(JsonObject answer, Optional<String> label) {
        answer.add("labels", label.<JsonElement>map(JsonPrimitive::new).orElse(JsonNull.INSTANCE));
    }

    private static JsonObject message(Answer said) {
        var message = new JsonObject();
        message.addProperty("role", "assistant");
        message.addProperty("content", said.content());
        if (!said.toolCalls().isEmpty()) {
            message.add("tool_calls", calls(said.toolCalls()));
        }
        return message;
    }

    private static JsonArray calls(List<ToolCall> calls) {
        var array = new JsonArray();
        for (ToolCall call : calls) {
            var function = new JsonObject();
            function.addProperty("name", call.name());
            function.addProperty("arguments", call.arguments());
            var object = new JsonObject();
            object.addProperty("id", call.id());
            object.addProperty("type", "function");
            object.add("function", function);
            array.add(object);
        }
        return array;
    }
}
