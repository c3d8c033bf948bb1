package io.jllm.springai.starter;

import io.jllm.LLM;
import java.time.Duration;
import java.util.Objects;
import org.springframework.context.SmartLifecycle;

/**
 * Lets answers come to their ends when the application stops: after web servers, which take no requests any more by then, and before the LLM is
 * closed, which cuts what still runs. Spring waits for it as long as {@code spring.lifecycle.timeout-per-shutdown-phase} says.
 */
public final class JllmLifecycle implements SmartLifecycle {
    /** Web servers stop, gracefully or not, in the 2,048 phases before the last one. */
    public static final int PHASE = SmartLifecycle.DEFAULT_PHASE - 4096;

    private static final Duration PAUSE = Duration.ofMillis(20);

    private final LLM llm;
    private volatile boolean running;

    /** Of one LLM. */
    public JllmLifecycle(LLM llm) {
        this.llm = Objects.requireNonNull(llm, "llm");
    }

    @Override
    public void start() {
        running = true;
    }

    /** Does not wait: nobody asked to be told when it is over. */
    @Override
    public void stop() {
        running = false;
    }

    @Override
    public void stop(Runnable callback) {
        Thread.ofVirtual().name("jllm-stop").start(() -> {
            try {
                while (llm.metrics().running() > 0 || llm.metrics().waiting() > 0) {
                    Thread.sleep(PAUSE);
                }
            } catch (InterruptedException _) {
                // then it is over, too
            }
            running = false;
            callback.run();
        });
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    @Override
    public int getPhase() {
        return PHASE;
    }
}
