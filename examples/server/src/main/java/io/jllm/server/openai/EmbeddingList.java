package io.jllm.server.openai;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonPrimitive;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.RequestRejectedException;
import io.jllm.embedding.EmbeddingOutput;
import io.jllm.embedding.EmbeddingParams;
import io.jllm.server.generation.Failures;
import io.jllm.server.generation.Serving;
import io.jllm.server.http.ApiError;
import io.jllm.server.http.Call;
import io.jllm.server.http.Endpoint;
import io.jllm.server.json.BadField;
import io.jllm.server.json.Field;
import io.jllm.server.json.Json;
import io.jllm.server.model.Lease;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/** {@code POST /v1/embeddings}. */
public record EmbeddingList(Serving serving) implements Endpoint {
    /** So many texts have to find room in the queue at once, or are refused; those behind them wait for it. */
    private static final int FIRST = 16;

    @Override
    public void answer(Call call) throws IOException, InterruptedException {
        Field body = call.json();
        try (Lease lease = serving.lease(call, body)) {
            boolean base64 = body.get("encoding_format").oneOf("float", "base64").filter("base64"::equals).isPresent();
            var dimensions = body.get("dimensions").integer(1, Integer.MAX_VALUE);
            EmbeddingParams plain = dimensions.isPresent() ? EmbeddingParams.defaults().withDimensions(dimensions.getAsInt())
                    : EmbeddingParams.defaults();
            EmbeddingParams params = lease.adapter().map(plain::withAdapter).orElse(plain);
            List<Prompt> prompts = CompletionAsk.prompts(body.get("input"), body.get("add_special_tokens").flag().orElse(true), lease);
            List<EmbeddingOutput> outputs = embed(call, lease.llm(), prompts, params);
            var data = new JsonArray();
            int tokens = 0;
            for (EmbeddingOutput output : outputs) {
                data.add(Json.object().put("object", "embedding").put("index", data.size())
                        .put("embedding", base64 ? base64(output.vector()) : Json.array(output.vector())).json());
                tokens += output.promptTokenIds().length;
            }
            call.reply(200, Json.object().put("object", "list").put("data", data).put("model", lease.name())
                    .put("usage", Json.object().put("prompt_tokens", tokens).put("total_tokens", tokens)).json());
        }
    }

    private static List<EmbeddingOutput> embed(Call call, LLM llm, List<Prompt> prompts, EmbeddingParams params) throws InterruptedException {
        try {
            CompletableFuture<List<EmbeddingOutput>> first = llm.embedAsync(prompts.subList(0, Math.min(FIRST, prompts.size())), params);
            call.await();
            var outputs = new ArrayList<>(result(first));
            check(llm, outputs);
            if (prompts.size() > FIRST) {
                outputs.addAll(llm.embed(prompts.subList(FIRST, prompts.size()), params));
                check(llm, outputs);
            }
            return outputs;
        } catch (CancellationException _) {
            throw new InterruptedException();
        } catch (IllegalArgumentException e) {
            throw new BadField("input", e.getMessage());
        } catch (RequestRejectedException e) {
            throw Failures.of(e);
        }
    }

    private static List<EmbeddingOutput> result(CompletableFuture<List<EmbeddingOutput>> future) throws InterruptedException {
        try {
            return future.get();
        } catch (InterruptedException e) {
            future.cancel(false);
            throw e;
        } catch (ExecutionException e) {
            throw new IllegalStateException(e); // failures are results
        }
    }

    private static void check(LLM llm, List<EmbeddingOutput> outputs) {
        for (int i = 0; i < outputs.size(); i++) {
            EmbeddingOutput output = outputs.get(i);
            if (output.error().isPresent()) {
                RuntimeException e = output.error().get();
                String message = "input[" + i + "]: " + e.getMessage();
                boolean tooLong = output.promptTokenIds().length >= llm.maxContext();
                throw tooLong ? ApiError.tooLong(message) : e instanceof IllegalArgumentException ? ApiError.badRequest(message) : Failures.of(e);
            }
        }
    }

    /** Floats of four bytes, the lowest first. */
    private static JsonElement base64(float[] vector) {
        ByteBuffer bytes = ByteBuffer.allocate(vector.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(vector);
        return new JsonPrimitive(Base64.getEncoder().encodeToString(bytes.array()));
    }
}
