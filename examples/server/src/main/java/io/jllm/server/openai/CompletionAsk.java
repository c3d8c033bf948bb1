package io.jllm.server.openai;

import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.SamplingParamsBuilder;
import io.jllm.server.generation.SamplingFields;
import io.jllm.server.generation.Serving;
import io.jllm.server.json.BadField;
import io.jllm.server.json.Field;
import io.jllm.server.model.Lease;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * What a request for completions asks.
 *
 * @param requests a prompt each
 * @param n completions of each
 * @param echo whether texts begin with their prompts
 * @param logprobs alternatives of each token, if log-probabilities are wanted at all
 * @param stream whether texts are wanted as they come
 * @param usage whether a stream ends with the usage
 * @param byId whether log-probabilities name tokens by their ids
 */
record CompletionAsk(List<Request> requests, int n, boolean echo, OptionalInt logprobs, boolean stream, boolean usage, boolean byId) {
    private static final int DEFAULT_MAX_TOKENS = 16; // OpenAI's
    private static final int MAX_PROMPTS = 1024;

    static CompletionAsk read(Field body, Serving serving, Lease lease) {
        if (!body.get("suffix").isMissing() && !(body.get("suffix").isText() && body.get("suffix").text().isEmpty())) {
            throw body.get("suffix").unsupported("leave it out: texts are generated from their beginning");
        }
        SamplingParamsBuilder params = SamplingFields.read(body, lease).maxTokens(DEFAULT_MAX_TOKENS);
        SamplingFields.lengths(body.get("max_tokens"), body.get("min_tokens"), DEFAULT_MAX_TOKENS, params);
        int n = body.get("n").integer(1, Integer.MAX_VALUE).orElse(1);
        if (body.get("best_of").integer(1, Integer.MAX_VALUE).orElse(n) != n) {
            throw body.get("best_of").unsupported("ask for n texts and choose");
        }
        params.n(n);
        boolean echo = body.get("echo").isTrue();
        OptionalInt logprobs = body.get("logprobs").integer(0, SamplingFields.MAX_LOGPROBS);
        logprobs.ifPresent(params::logprobs);
        if (echo && logprobs.isPresent()) {
            params.promptLogprobs(logprobs.getAsInt());
        }
        body.get("skip_special_tokens").flag().ifPresent(params::skipSpecialTokens);
        serving.bounds().of(body, body.get("response_format")).ifPresent(params::constraint);
        List<Request> requests = prompts(body.get("prompt"), body.get("add_special_tokens").flag().orElse(true), lease).stream()
                .map(p -> new Request(p, params.build())).toList();
        return new CompletionAsk(requests, n, echo, logprobs, body.get("stream").isTrue(), body.get("stream_options").get("include_usage").isTrue(),
                body.get("return_tokens_as_token_ids").isTrue());
    }

    /** A text or token ids, or several. */
    static List<Prompt> prompts(Field prompt, boolean addSpecial, Lease lease) {
        if (prompt.isText()) {
            return List.of(text(prompt, addSpecial, lease));
        }
        List<Field> elements = prompt.list();
        if (elements.isEmpty()) {
            throw prompt.wrong("a text, token ids, or an array of some of them");
        }
        if (elements.stream().allMatch(Field::isNumber)) {
            return List.of(tokens(prompt));
        }
        if (elements.size() > MAX_PROMPTS) {
            throw new BadField(prompt.name(), prompt.name() + " holds " + elements.size() + " prompts, of at most " + MAX_PROMPTS);
        }
        List<Prompt> prompts = new ArrayList<>();
        elements.forEach(e -> prompts.add(e.isList() ? tokens(e) : text(e, addSpecial, lease)));
        return prompts;
    }

    private static Prompt text(Field text, boolean addSpecial, Lease lease) {
        return addSpecial ? Prompt.of(text.text()) : Prompt.ofTokens(lease.tokenizer().encode(text.text(), false, true));
    }

    private static Prompt tokens(Field ids) {
        return Prompt.ofTokens(SamplingFields.tokens(ids).stream().mapToInt(Integer::intValue).toArray());
    }
}
