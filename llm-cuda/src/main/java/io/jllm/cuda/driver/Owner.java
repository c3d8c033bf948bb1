package io.jllm.cuda.driver;

import java.util.ArrayDeque;
import java.util.Deque;

/**
 * Owns what it is given and gives it back in reverse order. Closing goes on after a failure, which is logged: after a broken kernel every call
 * fails, and the error that matters was thrown before.
 */
public final class Owner implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("io.jllm.cuda");

    private final Deque<AutoCloseable> owned = new ArrayDeque<>();

    /** Owns nothing yet. */
    public Owner() {
    }

    /** Takes over something; returns it. */
    public <T extends AutoCloseable> T own(T resource) {
        owned.push(resource);
        return resource;
    }

    @Override
    public void close() {
        while (!owned.isEmpty()) {
            AutoCloseable resource = owned.pop();
            try {
                resource.close();
            } catch (Exception e) {
                LOG.log(System.Logger.Level.WARNING, "giving back " + resource.getClass().getSimpleName() + " failed: " + e.getMessage());
            }
        }
    }
}
