package io.jllm.model.arch.llama;

import io.jllm.model.Key;
import io.jllm.model.Keys;
import io.jllm.model.decoder.Numbers;

/** GLM-4 of 2024. Its GGUF files say {@code chatglm}. Source: GLM Team, ChatGLM, 2024. */
public final class Glm extends GlmLike {
    /** What llama.cpp's converter writes into files of this family, whose keys it takes for ChatGLM's; and for the context the length of embeddings. */
    private static final float WRITTEN_EPS = 1e-5f;

    /** The family. */
    public Glm() {
        super("glm", "chatglm");
    }

    @Override
    protected Numbers numbers(Numbers said, Keys keys) {
        boolean lost = !keys.knows(Key.TIED) && said.eps() == WRITTEN_EPS && said.context() == said.hidden();
        return lost ? said.with(EPS, CONTEXT) : said;
    }
}
