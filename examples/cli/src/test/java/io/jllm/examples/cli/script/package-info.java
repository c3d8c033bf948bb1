/** Tests of the script {@code examples/llm}, which run it as people do: by a shell, in folders, locales and with limits of their own. */
package io.jllm.examples.cli.script;
