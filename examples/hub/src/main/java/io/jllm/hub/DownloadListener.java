package io.jllm.hub;

/** Is told of a download, on the thread that asked for it, a few times a second. What it throws ends the download. */
@FunctionalInterface
public interface DownloadListener {
    /** Tells nobody. */
    DownloadListener NONE = progress -> { };

    /** So far it is. */
    void progress(Progress progress);

    /** Something that people should know: that a cached model is used since its hub cannot be reached, or that another process is fetching. */
    default void note(String sentence) {
    }
}
