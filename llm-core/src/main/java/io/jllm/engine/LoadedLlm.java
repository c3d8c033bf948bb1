package io.jllm.engine;

import io.jllm.EngineMetrics;
import io.jllm.LLM;
import io.jllm.ModelLoadException;
import io.jllm.Prompt;
import io.jllm.Request;
import io.jllm.RequestOutput;
import io.jllm.SamplingParams;
import io.jllm.TokenStream;
import io.jllm.model.LoadedModel;
import io.jllm.model.ModelConfig;
import io.jllm.spi.Backend;
import io.jllm.spi.Backend.RunnerOptions;
import io.jllm.spi.ModelRunner;
import io.jllm.spi.ModelRunner.MemoryReport;
import io.jllm.tokenizer.StreamingDetokenizer;
import io.jllm.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;

/** The engine over one loaded model and one runner. Requests are checked and encoded on their callers' threads. */
public final class LoadedLlm implements LLM {
    private static final System.Logger LOG = System.getLogger("io.jllm");
    /** Rows of logits for log-probabilities of prompts take at most this many bytes in a step. */
    private static final long PROMPT_ROW_BYTES = 64L << 20;

    private final LoadedModel model;
    private final Backend backend;
    private final ModelRunner runner;
    private final EngineLoop loop;
    private final int maxContext;
    private final int maxSequences;
    private final long kvPositions;
    private final AtomicLong ids = new AtomicLong();

    /**
     * Prepares a model on a backend and starts the engine. It owns both from here on, and closes them if it fails.
     *
     * @throws ModelLoadException if it cannot be loaded: every reason
     */
    public LoadedLlm(LoadedModel model, Backend backend, EngineOptions options) {
        this.model = model;
        this.backend = backend;
        ModelRunner opened = null;
        try {
            ModelConfig config = model.config();
            List<String> problems = backend.unsupported(model.program(), model.weights());
            if (!problems.isEmpty()) {
                int shown = Math.min(problems.size(), 5);
                throw new ModelLoadException(model.description() + " cannot run: " + String.join("; ", problems.subList(0, shown))
                        + (shown == problems.size() ? "" : "; and " + (problems.size() - shown) + " more problems like these"));
            }
            maxContext = options.contextOf(config.maxContext());
            maxSequences = options.maxSequences();
            int maxTokens = Math.max(options.maxTokensPerStep(), options.maxSequences());
            long promptRows = Math.clamp(PROMPT_ROW_BYTES / (4L * config.vocab()), 1, maxTokens);
            var limits = new SchedulerLimits(maxTokens, options.maxSequences(), options.maxSequences() + (int) promptRows,
                    options.blockSize(), options.prefixCache());
            long blocks = (long) Math.ceilDiv(maxContext, options.blockSize()) * options.maxSequences();
            opened = backend.load(model.program(), model.weights(), new RunnerOptions(maxTokens, options.maxSequences(),
                    limits.maxLogitRows(), options.blockSize(), (int) Math.min(blocks, Integer.MAX_VALUE / options.blockSize()), options.kvBytes(),
                    options.kvType()));
            runner = opened;
            kvPositions = (long) runner.blocks() * options.blockSize();
            loop = new EngineLoop(runner, config.vocab(), maxContext, limits, this::release);
            loop.start();
        } catch (Throwable t) {
            if (opened != null) {
                opened.close();
            }
            backend.close();
            model.close();
            throw t;
        }
    }

    @Override
    public List<RequestOutput> generate(List<Request> requests) {
        var futures = new ArrayList<FutureSink>(requests.size());
        for (Request r : requests) {
            var future = new FutureSink();
            futures.add(future);
            start(r.prompt(), r.params(), future, future);
        }
        var results = new ArrayList<RequestOutput>(futures.size());
        try {
            for (FutureSink f : futures) {
                results.add(f.get());
            }
            return results;
        } catch (InterruptedException e) {
            futures.forEach(f -> f.cancel(true));
            Thread.currentThread().interrupt();
            throw new CancellationException("interrupted while generating; the requests are cancelled");
        } catch (ExecutionException e) {
            throw new IllegalStateException(e.getCause()); // results are values, failed ones too
        }
    }

    @Override
    public TokenStream stream(Prompt prompt, SamplingParams params) {
        var stream = new StreamSink(loop::wake);
        start(prompt, params, stream, stream.future());
        return stream;
    }

    private void start(Prompt prompt, SamplingParams params, ResultSink sink, FutureSink future) {
        loop.checkOpen();
        long id = ids.incrementAndGet();
        int[] promptIds = new int[0];
        SequenceGroup group;
        try {
            promptIds = encode(prompt);
            if (params.n() > maxSequences) {
                throw new IllegalArgumentException("n asks for " + params.n() + " outputs, but the engine computes " + maxSequences
                        + " sequences at once; ask for fewer, or load with a larger maxSequences");
            }
            int room = room(promptIds.length, params);
            var settings = new SequenceSettings(params, model.eos(), model.config().vocab(), room);
            var completions = new ArrayList<Completion>();
            for (int i = 0; i < params.n(); i++) {
                completions.add(new Completion(i, settings, detokenizer(), params.stop()));
            }
            group = new SequenceGroup(id, prompt, promptIds, params, g -> SampledUnit.of(g, settings, completions), sink);
        } catch (IllegalArgumentException e) {
            sink.done(SequenceGroup.refused(id, prompt, promptIds, e));
            return;
        }
        future.onCancel(() -> loop.cancel(group));
        loop.submit(group);
    }

    private int[] encode(Prompt prompt) {
        int[] ids = switch (prompt) {
            case Prompt.Text t -> tokenizer().encode(t.text());
            case Prompt.Tokens t -> t.ids().clone();
        };
        if (ids.length == 0) {
            throw new IllegalArgumentException("the prompt has no tokens; give at least one");
        }
        int vocab = model.config().vocab();
        for (int i = 0; i < ids.length; i++) {
            if (ids[i] < 0 || ids[i] >= vocab) {
                throw new IllegalArgumentException("token " + ids[i] + " at position " + i + " of the prompt is none of the model's, 0 to "
                        + (vocab - 1));
            }
        }
        return ids;
    }

    private StreamingDetokenizer detokenizer() {
        return model.tokenizer().map(Tokenizer::detokenizer).orElse(NoText.INSTANCE);
    }

    /** How many tokens may be generated after the prompt; refuses what can never fit. */
    private int room(int prompt, SamplingParams params) {
        int wanted = params.maxTokens().orElse(Integer.MAX_VALUE);
        int leftOfContext = maxContext - prompt;
        if (leftOfContext < (wanted == 0 ? 0 : 1)) {
            throw new IllegalArgumentException("the prompt has " + prompt + " tokens, but the context holds " + maxContext
                    + (wanted == 0 ? "" : ", one generated token at least included") + "; shorten the prompt"
                    + (maxContext < model.config().maxContext() ? " or load with a larger maxContext" : ""));
        }
        // The last token of a sequence is never computed, so it needs no page.
        long leftOfPool = kvPositions - prompt + (wanted == 0 ? 0 : 1);
        int atLeast = params.maxTokens().isPresent() ? Math.min(wanted, leftOfContext) : 1;
        if (leftOfPool < atLeast) {
            throw new IllegalArgumentException("the prompt's " + prompt + " tokens and " + atLeast
                    + " generated ones can never fit the KV cache of " + kvPositions
                    + " positions; lower maxTokens, shorten the prompt, or load with a larger kvCache");
        }
        return (int) Math.min(Math.min(wanted, leftOfContext), leftOfPool);
    }

    @Override
    public SamplingParams defaults() {
        return model.defaults();
    }

    @Override
    public Tokenizer tokenizer() {
        return model.tokenizer().orElseThrow(() -> new IllegalArgumentException(
                "the model came without a tokenizer; give prompts as token ids"));
    }

    @Override
    public ModelConfig config() {
        return model.config();
    }

    @Override
    public int maxContext() {
        return maxContext;
    }

    @Override
    public String describe() {
        return model.description() + "; " + backend.describe();
    }

    @Override
    public String kernels() {
        return backend.kernels();
    }

    @Override
    public MemoryReport memory() {
        return loop.memory();
    }

    @Override
    public EngineMetrics metrics() {
        return loop.metrics();
    }

    @Override
    public void resetPrefixCache() {
        loop.resetPrefixCache();
    }

    @Override
    public void close() {
        loop.close();
    }

    private void release() {
        try (model; backend; runner) {
            LOG.log(System.Logger.Level.DEBUG, "closing {0}", model.description());
        }
    }
}
