package io.jllm.examples.cli.soak;

import java.util.List;
import java.util.Set;

/** The platform threads of this JVM. */
final class Threads {
    private static final long PATIENCE_MILLIS = 5000;

    private Threads() {
    }

    /** All that live. */
    static Set<Thread> all() {
        return Set.copyOf(Thread.getAllStackTraces().keySet());
    }

    /** Those that live now and did not before, but for those that come and go by themselves; threads that are about to end get a moment. */
    static List<Thread> left(Set<Thread> before) throws InterruptedException {
        long end = System.nanoTime() + PATIENCE_MILLIS * 1_000_000;
        List<Thread> left;
        do {
            left = all().stream().filter(t -> !before.contains(t) && t.isAlive() && !global(t)).toList();
            Thread.sleep(20);
        } while (!left.isEmpty() && System.nanoTime() - end < 0);
        return left;
    }

    /**
     * Threads that the JDK starts when it likes: those that carry virtual threads, compilers' and cleaners'. JNA, which brings the
     * tokenizers' native code, has a cleaner too, which ends by itself after half a minute.
     */
    private static boolean global(Thread thread) {
        ThreadGroup group = thread.getThreadGroup();
        return group == null || !group.getName().equals("main") && !Thread.currentThread().getThreadGroup().equals(group)
                || thread.getName().startsWith("ForkJoinPool.commonPool") || thread.getName().equals("JNA Cleaner");
    }
}
