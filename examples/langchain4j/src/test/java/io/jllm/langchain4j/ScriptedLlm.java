package io.jllm.langchain4j;

import io.jllm.CompletionOutput;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.LogitsProcessor;
import io.jllm.Request;
import io.jllm.chat.Answer;
import io.jllm.chat.ChatOptions;
import io.jllm.chat.Message;
import io.jllm.chat.ToolCall;
import io.jllm.chat.answer.AnswerParser;
import io.jllm.tokenizer.Tokenizer;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * A model that says what a script says, by the engine of a real one: prompts are rendered, encoded and computed, tokens are sampled, bound by
 * constraints, streamed, cut and parsed as always. The script only makes its own next token the most likely one. Where a constraint forbids that
 * token, another one comes, and the request fails, so that no answer is ever seen that the constraint does not admit.
 */
public final class ScriptedLlm {
    private static final float LIKELY = 1e6f;

    private ScriptedLlm() {
    }

    /** What is said, by the conversation so far. */
    @FunctionalInterface
    public interface Script {
        /** @param admitted whether an answer is one that the request's constraint admits; all are, without one */
        Answer answer(List<Message> messages, ChatOptions options, Predicate<Answer> admitted);
    }

    /** @param real knows Hermes' way to write calls */
    public static LLM over(LLM real, Script script) {
        return (LLM) Proxy.newProxyInstance(LLM.class.getClassLoader(), new Class<?>[] {LLM.class},
                (_, method, args) -> method.getName().equals("chatRequest") ? scripted(real, (Request.Chat) call(real, method, args), args, script)
                        : call(real, method, args));
    }

    private static Object call(LLM real, Method method, Object[] args) throws Throwable {
        try {
            return method.invoke(real, args);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    @SuppressWarnings("unchecked")
    private static Request.Chat scripted(LLM real, Request.Chat chat, Object[] args, Script script) {
        BiPredicate<Request, Answer> admits = (request, answer) -> request.params().constraint().map(c -> c.accepts(written(answer))).orElse(true);
        Answer answer = script.answer((List<Message>) args[0], (ChatOptions) args[1], a -> admits.test(chat.request(), a));
        var pen = new Pen(real.tokenizer(), written(answer), real.tokenizer().eos().iterator().next());
        return new Scripted(chat, new Request(chat.request().prompt(), chat.request().params().toBuilder().logitsProcessor(() -> pen).build()));
    }

    private static String written(Answer answer) {
        return answer.reasoning().map(r -> "<think>" + r + "</think>").orElse("") + answer.content()
                + answer.toolCalls().stream().map(ScriptedLlm::written).collect(Collectors.joining("\n"));
    }

    private static String written(ToolCall call) {
        return "<tool_call>\n{\"name\": \"" + call.name() + "\", \"arguments\": " + call.arguments() + "}\n</tool_call>";
    }

    private record Scripted(Request.Chat chat, Request request) implements Request.Chat {
        @Override
        public AnswerParser parser(int index) {
            return chat.parser(index);
        }

        @Override
        public Answer answer(CompletionOutput output) {
            return chat.answer(output);
        }

        @Override
        public FinishReason finishReason(Answer answer, FinishReason sequence) {
            return chat.finishReason(answer, sequence);
        }
    }

    private record Pen(Tokenizer tokenizer, String script, int end) implements LogitsProcessor {
        @Override
        public void process(int[] tokens, int promptLength, int length, float[] logits) {
            String written = tokenizer.decodeContinuation(Arrays.copyOfRange(tokens, promptLength, length));
            if (!script.startsWith(written)) {
                throw new IllegalStateException("the script says " + script + ", and what may be said is " + written);
            }
            String rest = script.substring(written.length());
            logits[rest.isEmpty() ? end : tokenizer.encode(rest, false, false)[0]] += LIKELY;
        }
    }
}
