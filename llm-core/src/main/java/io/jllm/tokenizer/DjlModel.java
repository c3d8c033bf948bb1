package io.jllm.tokenizer;

import ai.djl.huggingface.tokenizers.jni.LibUtils;
import ai.djl.huggingface.tokenizers.jni.TokenizersLibrary;
import io.jllm.ModelLoadException;
import java.util.concurrent.locks.ReadWriteLock;
import java.util.concurrent.locks.ReentrantReadWriteLock;

/**
 * The native tokenizer, holding no added tokens: text in, ids out. Many threads may encode at once; closing waits for them,
 * since the native side would be used after it is freed. DJL's own class above the native calls fetches spans, masks and each
 * token as a string besides, and reads its input through several copies; only ids are wanted here.
 */
final class DjlModel implements AutoCloseable {
    private static final String OFFLINE = "ai.djl.offline";

    private final ReadWriteLock lock = new ReentrantReadWriteLock();
    private final long handle;
    private boolean closed;

    private DjlModel(long handle) {
        this.handle = handle;
    }

    /**
     * Builds it.
     *
     * @param json the content of a {@code tokenizer.json} that neither truncates nor pads
     * @param source what it was made from, for messages
     */
    static DjlModel of(String json, String source) {
        // Unset, DJL reports its use to a server and, where it sees a GPU, downloads another native library.
        if (System.getProperty(OFFLINE) == null && System.getenv(OFFLINE) == null) {
            System.setProperty(OFFLINE, "true");
        }
        try {
            LibUtils.checkStatus();
            return new DjlModel(TokenizersLibrary.LIB.createTokenizerFromString(json));
        } catch (RuntimeException e) {
            throw new ModelLoadException(source + " makes no tokenizer; the native library says: " + e.getMessage(), e);
        }
    }

    /** The ids of a text, none of them special. */
    long[] encode(String text) {
        String sane = withoutLoneSurrogates(text);
        lock.readLock().lock();
        try {
            if (closed) {
                throw new IllegalStateException("the tokenizer is closed");
            }
            long encoding = TokenizersLibrary.LIB.encode(handle, sane, false);
            try {
                return TokenizersLibrary.LIB.getTokenIds(encoding);
            } finally {
                TokenizersLibrary.LIB.deleteEncoding(encoding);
            }
        } finally {
            lock.readLock().unlock();
        }
    }

    /** Unpaired surrogates have no UTF-8 form, and the native side does not expect them. */
    private static String withoutLoneSurrogates(String text) {
        StringBuilder mended = null;
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
            } else if (Character.isSurrogate(c)) {
                mended = mended == null ? new StringBuilder(text) : mended;
                mended.setCharAt(i, '\uFFFD');
            }
        }
        return mended == null ? text : mended.toString();
    }

    @Override
    public void close() {
        lock.writeLock().lock();
        try {
            if (!closed) {
                closed = true;
                TokenizersLibrary.LIB.deleteTokenizer(handle);
            }
        } finally {
            lock.writeLock().unlock();
        }
    }
}
