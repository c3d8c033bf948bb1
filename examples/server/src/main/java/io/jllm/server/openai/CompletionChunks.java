package io.jllm.server.openai;

import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonPrimitive;
import io.jllm.CompletionOutput;
import io.jllm.RequestOutput;
import io.jllm.TokenLogprobs;
import io.jllm.TokenStream;
import io.jllm.server.generation.Serving;
import io.jllm.server.generation.Streams;
import io.jllm.server.generation.TokenTexts;
import io.jllm.server.http.ApiError;
import io.jllm.server.http.Call;
import io.jllm.server.http.ErrorBodies;
import io.jllm.server.http.Events;
import io.jllm.server.json.Json;
import io.jllm.server.json.JsonBuilder;
import io.jllm.server.model.Lease;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;

/** Completions in chunks. For one request. */
final class CompletionChunks {
    private final Call call;
    private final Lease lease;
    private final CompletionAsk ask;
    private final TokenTexts texts;
    private final long created = Serving.now();
    private final ChunkFrame frame;
    private final List<ChunkFrame.OfTexts> frames;
    /** How long each text is so far, as log-probabilities count it. */
    private final AtomicIntegerArray lengths;

    CompletionChunks(Call call, Lease lease, CompletionAsk ask) {
        this.call = call;
        this.lease = lease;
        this.ask = ask;
        texts = new TokenTexts(lease, ask.byId());
        frame = new ChunkFrame(chunk(), ask.usage());
        int count = ask.requests().size() * ask.n();
        frames = IntStream.range(0, count).mapToObj(i -> frame.around(choice(i, ChunkFrame.TEXT, JsonNull.INSTANCE, JsonNull.INSTANCE))).toList();
        lengths = new AtomicIntegerArray(count);
    }

    /** Sends it all. */
    void send(List<TokenStream> streams) throws IOException, InterruptedException {
        Events events = call.events();
        try {
            if (ask.echo() && ask.logprobs().isEmpty()) {
                for (int i = 0; i < lengths.length(); i++) {
                    frames.get(i).send(events, Completions.text(ask.requests().get(i / ask.n()).prompt(), lease), false);
                }
            }
            // What a prompt's tokens are worth is known at its end, and comes before the text.
            boolean withPrompt = ask.echo() && ask.logprobs().isPresent();
            if (!withPrompt) {
                Streams.read(streams, (stream, piece, more) -> send(events, stream * ask.n() + piece.index(), piece, more));
            }
            List<RequestOutput> outputs = Completions.results(lease.llm(), streams);
            for (int i = 0; i < outputs.size(); i++) {
                for (CompletionOutput one : outputs.get(i).outputs()) {
                    int index = i * ask.n() + one.index();
                    if (withPrompt) {
                        echoed(events, index, outputs.get(i), one);
                    }
                    frame.send(events, choice(index, "", JsonNull.INSTANCE, new JsonPrimitive(Usage.finishReason(one.finishReason()))), true);
                }
            }
            if (ask.usage()) {
                events.sendText(Json.text(chunk().put("choices", Json.array()).put("usage", Completions.usage(outputs)).json()), true);
            }
        } catch (ApiError e) {
            call.note(e.getMessage());
            events.send(ErrorBodies.OPENAI.body(e));
        }
        events.sendText("[DONE]", true);
    }

    private void send(Events events, int index, TokenStream.Piece piece, boolean more) throws IOException {
        if (ask.logprobs().isPresent()) {
            withTokens(events, index, piece.text(), piece.token().stream().toList(), more);
        } else if (!piece.text().isEmpty()) {
            frames.get(index).send(events, piece.text(), more);
        } else if (!more) {
            events.flush();
        }
    }

    private void echoed(Events events, int index, RequestOutput output, CompletionOutput one) throws IOException {
        List<TokenLogprobs> tokens = new ArrayList<>(output.promptLogprobs());
        tokens.addAll(one.logprobs());
        withTokens(events, index, Completions.text(output.prompt(), lease) + one.text(), tokens, true);
    }

    private void withTokens(Events events, int index, String text, List<TokenLogprobs> tokens, boolean more) throws IOException {
        int length = tokens.stream().mapToInt(texts::length).sum();
        JsonElement logprobs = tokens.isEmpty() ? JsonNull.INSTANCE : Completions.logprobs(ask, texts, tokens, lengths.getAndAdd(index, length));
        frame.send(events, choice(index, text, logprobs, JsonNull.INSTANCE), more);
    }

    private static JsonBuilder choice(int index, String text, JsonElement logprobs, JsonElement finishReason) {
        return Json.object().put("index", index).put("text", text).put("logprobs", logprobs).put("finish_reason", finishReason);
    }

    private JsonBuilder chunk() {
        return Json.object().put("id", "cmpl-" + call.id()).put("object", "text_completion").put("created", created).put("model", lease.name());
    }
}
