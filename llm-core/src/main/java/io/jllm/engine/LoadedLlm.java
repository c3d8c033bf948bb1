package io.jllm.engine;

import io.jllm.BeamSearchParams;
import io.jllm.EngineListener;
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
import io.jllm.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BiConsumer;

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
    private final RequestFactory requests;
    private final AtomicLong ids = new AtomicLong();

    /** Makes a request of a number and a prompt's tokens. */
    private interface Making {
        SequenceGroup make(long id, int[] promptIds);
    }

    /**
     * Prepares a model on a backend and starts the engine. It owns both from here on, and closes them if it fails.
     *
     * @param listeners are told what the engine does
     *
     * @throws ModelLoadException if it cannot be loaded: every reason
     */
    public LoadedLlm(LoadedModel model, Backend backend, EngineOptions options, List<EngineListener> listeners) {
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
            int maxTokens = Math.max(options.maxTokensPerStep(), options.maxSequences());
            long promptRows = Math.clamp(PROMPT_ROW_BYTES / (4L * config.vocab()), 1, maxTokens);
            var limits = new SchedulerLimits(maxTokens, options.maxSequences(), options.maxSequences() + (int) promptRows,
                    options.blockSize(), options.prefixCache());
            long blocks = (long) Math.ceilDiv(maxContext, options.blockSize()) * options.maxSequences();
            opened = backend.load(model.program(), model.weights(), new RunnerOptions(maxTokens, options.maxSequences(),
                    limits.maxLogitRows(), options.blockSize(), (int) Math.min(blocks, Integer.MAX_VALUE / options.blockSize()), options.kvBytes(),
                    options.kvType().orElse(backend.kvType())));
            runner = opened;
            requests = new RequestFactory(model, maxContext, options.maxSequences(), options.blockSize(), runner.blocks());
            loop = new EngineLoop(runner, config.vocab(), maxContext, limits, listeners, this::release);
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
    public List<RequestOutput> generate(List<Request> batch) {
        return all(batch, (r, future) -> start(r.prompt(), r.params(), future, future));
    }

    @Override
    public List<RequestOutput> beamSearch(List<? extends Prompt> prompts, BeamSearchParams params) {
        return all(prompts, (p, future) -> start(p, future, future, (id, ids) -> requests.beams(id, p, ids, params, future)));
    }

    private static <T> List<RequestOutput> all(List<T> asked, BiConsumer<T, FutureSink> starter) {
        var futures = new ArrayList<FutureSink>(asked.size());
        for (T one : asked) {
            var future = new FutureSink();
            futures.add(future);
            starter.accept(one, future);
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
        start(prompt, sink, future, (id, ids) -> requests.sampled(id, prompt, ids, params, sink));
    }

    private void start(Prompt prompt, ResultSink sink, FutureSink future, Making making) {
        loop.checkOpen();
        long id = ids.incrementAndGet();
        int[] promptIds = new int[0];
        SequenceGroup group;
        try {
            promptIds = requests.encode(prompt);
            group = making.make(id, promptIds);
        } catch (IllegalArgumentException e) {
            RequestOutput refused = SequenceGroup.refused(id, prompt, promptIds, e);
            loop.refused(refused);
            sink.done(refused);
            return;
        }
        future.onCancel(() -> loop.cancel(group));
        loop.submit(group);
    }

    @Override
    public SamplingParams defaults() {
        return model.defaults();
    }

    @Override
    public Tokenizer tokenizer() {
        return requests.tokenizer();
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
