package io.jllm.model.arch.llama;

/** GLM-4 of 2024, as transformers has it. Its GGUF files say {@code chatglm}, and are {@link ChatGlm}'s. Source: GLM Team, ChatGLM, 2024. */
public final class Glm extends GlmLike {
    /** The family. */
    public Glm() {
        super("glm", "chatglm");
    }
}
