/** Model families and their forward passes as data. */
package io.jllm.model;
