package io.jllm.spark;

import io.jllm.ChatOutput;
import io.jllm.CompletionOutput;
import io.jllm.FinishReason;
import io.jllm.LLM;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.chat.ChatOptions;
import io.jllm.constraint.Constraint;
import io.jllm.embedding.EmbeddingOutput;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.Function;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;

/** Between rows and the engine's requests and results. Rows have an id, an input and parameters, in that order. For one thread. */
final class RowRequests {
    private static final int ID = 0;
    private static final int INPUT = 1;
    private static final int PARAMS = 2;

    private final LLM llm;
    private final Inference inference;
    private final ChatOptions chatOptions;
    private final SamplingParams params;

    RowRequests(LLM llm, Inference inference) {
        this.llm = llm;
        this.inference = inference;
        chatOptions = inference.chatOptions();
        SamplingParams all = Parameters.read(inference.params(), llm.defaults());
        params = inference.schema().map(s -> all.toBuilder().constraint(Constraint.jsonSchema(s)).build()).orElse(all);
    }

    /** The answers to rows, computed as they are taken. */
    Answers<?> answers(Iterator<Row> rows) {
        return switch (inference.task()) {
            case GENERATE -> new Answers<>(llm, rows, requests(Prompt::of), llm::generate, RowRequests::generated);
            case CHAT -> new Answers<>(llm, rows, requests(json -> Prompt.chat(Conversations.read(json), chatOptions)), llm::chat,
                    RowRequests::answered);
            case EMBED -> new Answers<>(llm, rows, texts(), source -> llm.embed(source, inference.embeddingParams()), RowRequests::embedded);
        };
    }

    private Answers.Reader<Request> requests(Function<String, Prompt> prompts) {
        return new Answers.Reader<>() {
            @Override
            public Request read(Row row) {
                return new Request(prompts.apply(input(row)), params(row));
            }

            @Override
            public Request failing() {
                return new Request(Prompt.ofTokens(), params);
            }
        };
    }

    private Answers.Reader<Prompt> texts() {
        return new Answers.Reader<>() {
            @Override
            public Prompt read(Row row) {
                return Prompt.of(input(row));
            }

            @Override
            public Prompt failing() {
                return Prompt.ofTokens();
            }
        };
    }

    private String input(Row row) {
        if (row.isNullAt(INPUT)) {
            throw new IllegalArgumentException("column " + inference.input() + " is null");
        }
        return row.getString(INPUT);
    }

    private SamplingParams params(Row row) {
        long seed = seed(params.seed().orElse(0), String.valueOf(row.get(ID)));
        SamplingParams seeded = params.toBuilder().seed(seed).build();
        return row.isNullAt(PARAMS) ? seeded : Parameters.read(row.getString(PARAMS), seeded);
    }

    /** A seed that the whole of an id decides: FNV-1a over its bytes, with all bits mixed as in SplitMix64. */
    static long seed(long base, String id) {
        long h = 0xcbf29ce484222325L ^ base;
        for (byte b : id.getBytes(StandardCharsets.UTF_8)) {
            h = (h ^ b & 0xff) * 0x100000001b3L;
        }
        h = (h ^ h >>> 30) * 0xbf58476d1ce4e5b9L;
        h = (h ^ h >>> 27) * 0x94d049bb133111ebL;
        return h ^ h >>> 31;
    }

    private static Row generated(Answers.Asked asked, RequestOutput output) {
        Optional<String> error = error(asked, output.error());
        CompletionOutput text = output.outputs().getFirst();
        return row(asked, error, output.metrics(), Arrays.asList(error.isPresent() ? null : text.text(), reason(text.finishReason())));
    }

    private static Row answered(Answers.Asked asked, ChatOutput output) {
        Optional<String> error = error(asked, output.output().error());
        return row(asked, error, output.output().metrics(), Arrays.asList(error.isPresent() ? null : output.answer().content(),
                error.isPresent() ? null : output.answer().reasoning().orElse(null), reason(output.finishReason())));
    }

    private static Row embedded(Answers.Asked asked, EmbeddingOutput output) {
        if (output.error().isPresent() && output.error().get() instanceof CancellationException) {
            throw unanswered();
        }
        Optional<String> error = error(asked, output.error());
        return row(asked, error, output.metrics(), Collections.singletonList(error.isPresent() ? null : output.embedding()));
    }

    private static Optional<String> error(Answers.Asked asked, Optional<RuntimeException> failure) {
        return asked.refusal().or(() -> failure.map(e -> e.getMessage() == null ? e.toString() : e.getMessage()));
    }

    /** The columns of {@link Inference#schema(org.apache.spark.sql.types.DataType)}. */
    private static Row row(Answers.Asked asked, Optional<String> error, RequestOutput.Metrics counts, List<?> answer) {
        var columns = new ArrayList<Object>();
        columns.add(asked.row().get(ID));
        columns.addAll(answer);
        columns.addAll(List.of(counts.promptTokens(), counts.cachedTokens(), counts.generatedTokens()));
        columns.add(error.orElse(null));
        return RowFactory.create(columns.toArray());
    }

    /** Nobody cancels rows but an engine that ends: that is no answer, and the row must be asked again. */
    private static String reason(FinishReason reason) {
        if (reason == FinishReason.CANCELLED) {
            throw unanswered();
        }
        return reason.name().toLowerCase(Locale.ROOT);
    }

    private static IllegalStateException unanswered() {
        return new IllegalStateException("the engine ended before the row was answered");
    }
}
