package io.jllm.engine;

import io.jllm.Prompt;
import io.jllm.SamplingParams;
import io.jllm.TokenStream;
import io.jllm.engine.request.CallbackExecutor;
import io.jllm.engine.request.ChatPrompts;
import io.jllm.engine.request.QueuePermits;
import io.jllm.engine.request.RequestFactory;
import io.jllm.engine.request.Submission;
import io.jllm.engine.request.Work;
import io.jllm.engine.schedule.RotationRule;
import io.jllm.engine.schedule.SchedulerLimits;
import io.jllm.engine.sequence.ChosenAdapter;
import io.jllm.engine.step.EngineLoop;
import io.jllm.engine.watch.Listeners;
import io.jllm.load.LoadedModel;

/**
 * Two short requests through an engine of their own, over a runner that computes nothing, while the real one still rearranges weights: the
 * first caller's request then finds classes loaded, and a tokenizer that has been used. They are not counted or
 * reported: counts, KV blocks and request numbers are their own, and nothing of them is left.
 */
final class EngineWarmUp {
    private static final int CONTEXT = 64;
    private static final int BLOCK = 4;
    private static final int TOKENS = 6;
    private static final SchedulerLimits LIMITS = new SchedulerLimits(16, 2, 3, BLOCK, true);

    private static final System.Logger LOG = System.getLogger("io.jllm");
    /** None at all. */
    static final EngineWarmUp NONE = new EngineWarmUp(() -> { });

    private final Thread thread;
    private volatile Error error; // null but for what a JVM cannot do, such as find more memory

    private EngineWarmUp(Runnable play) {
        thread = Thread.ofPlatform().name("jllm-warm-up").daemon().unstarted(() -> {
            try {
                play.run();
            } catch (Error e) {
                error = e;
            } catch (RuntimeException e) { // there may be no tokenizer, of which whoever loads the model hears
                LOG.log(System.Logger.Level.DEBUG, "no warm-up", e);
            }
        });
    }

    /** Begins in a thread of its own, as soon as the model's tokenizer is made. */
    static EngineWarmUp begin(LoadedModel model) {
        return begin(() -> run(model));
    }

    /** The same with another play. */
    static EngineWarmUp begin(Runnable play) {
        var warmUp = new EngineWarmUp(play);
        warmUp.thread.start();
        return warmUp;
    }

    /** Waits until it is over, and throws the error that ended it, if one did: it would have come to whoever asks first. */
    void await() {
        end();
        Error came = error;
        if (came != null) {
            throw came;
        }
    }

    /** Waits until it is over, however it ended. */
    void end() {
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static void run(LoadedModel model) {
        var requests = new RequestFactory(model, new ChatPrompts(model, CONTEXT), _ -> ChosenAdapter.NONE, CONTEXT, LIMITS.maxSequences(), BLOCK,
                2 * CONTEXT / BLOCK);
        int vocab = model.config().vocab();
        var runner = new IdleRunner(2 * CONTEXT / BLOCK, LIMITS.maxLogitRows(), vocab);
        var loop = new EngineLoop(runner, vocab, CONTEXT, LIMITS, RotationRule.of(model.program()), Listeners.none(), () -> { });
        try (var callbacks = new CallbackExecutor()) {
            loop.start();
            try {
                play(new Submission(requests, loop, new QueuePermits(1), callbacks, 1), model);
            } finally {
                loop.close();
            }
        }
    }

    private static void play(Submission callers, LoadedModel model) {
        Prompt prompt = model.tokenizer().isPresent() ? Prompt.of("Hello, 1 world") : Prompt.ofTokens(0);
        var params = SamplingParams.builder().temperature(0.8).topK(40).topP(0.95).maxTokens(TOKENS).ignoreEos(true).build();
        var work = new Work.Generate(prompt, params);
        callers.submit(work).result().join().error().ifPresent(EngineWarmUp::fail);
        try (TokenStream stream = callers.stream(work)) {
            stream.forEach(_ -> { });
        }
    }

    /** What fails a request of the engine is a value, an error of the JVM too. */
    private static void fail(RuntimeException e) {
        if (e.getCause() instanceof Error error) {
            throw error;
        }
        throw e;
    }
}
