package io.jllm.spi;

import java.util.Optional;

/**
 * Says which memory ran out, and what to do about it: the heap wants a larger {@code -Xmx}, and the system's memory a smaller one. The JVM
 * throws one kind of error for both, and only its message, which is read here, tells them apart. Thread-safe.
 */
public final class OutOfMemory {
    private static final int MIB = 1 << 20;

    /** How an error begins by which later uses of a class hear that its initialiser ran out of memory: only words are kept of that. */
    private static final String INITIALIZER = "Exception java.lang.OutOfMemoryError: ";

    private OutOfMemory() {
    }

    /** The error among a failure and what led to it; one with the same words where the JVM kept only these. */
    public static Optional<OutOfMemoryError> in(Throwable failure) {
        for (Throwable t = failure; t != null; t = t.getCause()) { // the JDK sees to it that there is no circle of two or more
            if (t instanceof OutOfMemoryError e) {
                return Optional.of(e);
            }
            if (t instanceof ExceptionInInitializerError e && String.valueOf(e.getMessage()).startsWith(INITIALIZER)) {
                return Optional.of(new OutOfMemoryError(e.getMessage().substring(INITIALIZER.length())));
            }
        }
        return Optional.empty();
    }

    /** Whether it is the heap that has no room, and not the system's memory, from which a larger heap would take more. */
    public static boolean isHeap(OutOfMemoryError e) {
        return has(String.valueOf(e.getMessage()), "heap space", "GC overhead");
    }

    /** What ran out, in the JVM's words too, and the remedy; without a full stop. */
    public static String describe(OutOfMemoryError e) {
        String message = String.valueOf(e.getMessage());
        String said = " (" + message + "): ";
        String heap = Runtime.getRuntime().maxMemory() / MIB + " MiB";
        if (isHeap(e)) {
            return "the Java heap is full" + said + "raise it with -Xmx, now " + heap;
        }
        if (has(message, "array size", "array length", "implementation limit")) {
            return "an array would be larger than Java allows" + said + "use a smaller model or smaller settings";
        }
        if (has(message, "Metaspace", "class space")) {
            return "there is no more room for classes" + said + "raise -XX:MaxMetaspaceSize where it is set, or else free memory of the system";
        }
        if (has(message, "direct buffer memory")) {
            return "there is no more room for direct buffers" + said + "raise -XX:MaxDirectMemorySize, which is that of the heap (-Xmx, now "
                    + heap + ") unless it is set";
        }
        if (has(message, "native thread")) {
            return "the system gives no more threads" + said + "raise its limit (ulimit -u, or that of the container), lower threads, or, if it"
                    + " has no memory for their stacks, lower -Xmx, now " + heap;
        }
        return "the system gives no more memory" + said + "free some, raise the limit of the container or shell (ulimit -v), or take less: a"
                + " smaller kvCache or maxContext, fewer threads, or a smaller heap, of which weights and caches need nothing (-Xmx, now " + heap
                + ")";
    }

    private static boolean has(String message, String... parts) {
        for (String part : parts) {
            if (message.contains(part)) {
                return true;
            }
        }
        return false;
    }
}
