package io.jllm.model;
public final class ModelFiles { public static LoadedModel open(java.nio.file.Path p) { throw new UnsupportedOperationException(); } }
