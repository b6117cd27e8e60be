package sqs

// The inputs and outputs of the operations, as the service model of SQS (2012-11-05)
// has them. What an operation can tell from "not given" is a pointer.

// AttributeValue is the value of a message attribute, or of a message system attribute.
type AttributeValue struct {
	DataType         string   `json:"DataType"`
	StringValue      *string  `json:"StringValue,omitempty"`
	BinaryValue      []byte   `json:"BinaryValue,omitempty"`
	StringListValues []string `json:"StringListValues,omitempty" query:"StringListValue,flat"`
	BinaryListValues [][]byte `json:"BinaryListValues,omitempty" query:"-"`
}

type addPermissionInput struct {
	QueueUrl      string   `json:"QueueUrl"`
	Label         string   `json:"Label"`
	AWSAccountIds []string `json:"AWSAccountIds" query:"AWSAccountId,flat"`
	Actions       []string `json:"Actions" query:"ActionName,flat"`
}

type removePermissionInput struct {
	QueueUrl string `json:"QueueUrl"`
	Label    string `json:"Label"`
}

type createQueueInput struct {
	QueueName  string            `json:"QueueName"`
	Attributes map[string]string `json:"Attributes" query:"Attribute,flat,Name,Value"`
	Tags       map[string]string `json:"tags" query:"Tag,flat,Key,Value"`
}

type queueURLOutput struct {
	QueueUrl string `json:"QueueUrl"`
}

type deleteQueueInput struct {
	QueueUrl string `json:"QueueUrl"`
}

type purgeQueueInput struct {
	QueueUrl string `json:"QueueUrl"`
}

type getQueueURLInput struct {
	QueueName              string `json:"QueueName"`
	QueueOwnerAWSAccountId string `json:"QueueOwnerAWSAccountId"`
}

type listQueuesInput struct {
	QueueNamePrefix string `json:"QueueNamePrefix"`
	MaxResults      *int32 `json:"MaxResults"`
	NextToken       string `json:"NextToken"`
}

type listQueuesOutput struct {
	QueueUrls []string `json:"QueueUrls,omitempty" query:"QueueUrl,flat" queryjson:"queueUrls"`
	NextToken string   `json:"NextToken,omitempty"`
}

type listDeadLetterSourceQueuesInput struct {
	QueueUrl   string `json:"QueueUrl"`
	MaxResults *int32 `json:"MaxResults"`
	NextToken  string `json:"NextToken"`
}

type listDeadLetterSourceQueuesOutput struct {
	QueueUrls []string `json:"queueUrls" query:"QueueUrl,flat"`
	NextToken string   `json:"NextToken,omitempty"`
}

type getQueueAttributesInput struct {
	QueueUrl       string   `json:"QueueUrl"`
	AttributeNames []string `json:"AttributeNames" query:"AttributeName,flat"`
}

type getQueueAttributesOutput struct {
	Attributes map[string]string `json:"Attributes,omitempty" query:"Attribute,flat,Name,Value"`
}

type setQueueAttributesInput struct {
	QueueUrl   string            `json:"QueueUrl"`
	Attributes map[string]string `json:"Attributes" query:"Attribute,flat,Name,Value"`
}

type tagQueueInput struct {
	QueueUrl string            `json:"QueueUrl"`
	Tags     map[string]string `json:"Tags" query:"Tag|Tags,flat,Key,Value"`
}

type untagQueueInput struct {
	QueueUrl string   `json:"QueueUrl"`
	TagKeys  []string `json:"TagKeys" query:"TagKey,flat"`
}

type listQueueTagsInput struct {
	QueueUrl string `json:"QueueUrl"`
}

type listQueueTagsOutput struct {
	Tags map[string]string `json:"Tags,omitempty" query:"Tag,flat,Key,Value"`
}

type sendMessageInput struct {
	QueueUrl                string                    `json:"QueueUrl"`
	MessageBody             string                    `json:"MessageBody"`
	DelaySeconds            *int32                    `json:"DelaySeconds"`
	MessageAttributes       map[string]AttributeValue `json:"MessageAttributes" query:"MessageAttribute,flat,Name,Value"`
	MessageSystemAttributes map[string]AttributeValue `json:"MessageSystemAttributes" query:"MessageSystemAttribute,flat,Name,Value"`
	MessageDeduplicationId  *string                   `json:"MessageDeduplicationId"`
	MessageGroupId          *string                   `json:"MessageGroupId"`
}

type sendMessageOutput struct {
	MD5OfMessageBody             string `json:"MD5OfMessageBody"`
	MD5OfMessageAttributes       string `json:"MD5OfMessageAttributes,omitempty"`
	MD5OfMessageSystemAttributes string `json:"MD5OfMessageSystemAttributes,omitempty"`
	MessageId                    string `json:"MessageId"`
	SequenceNumber               string `json:"SequenceNumber,omitempty"`
}

type sendMessageBatchInput struct {
	QueueUrl string             `json:"QueueUrl"`
	Entries  []sendMessageEntry `json:"Entries" query:"SendMessageBatchRequestEntry,flat"`
}

type sendMessageEntry struct {
	Id                      string                    `json:"Id"`
	MessageBody             string                    `json:"MessageBody"`
	DelaySeconds            *int32                    `json:"DelaySeconds"`
	MessageAttributes       map[string]AttributeValue `json:"MessageAttributes" query:"MessageAttribute,flat,Name,Value"`
	MessageSystemAttributes map[string]AttributeValue `json:"MessageSystemAttributes" query:"MessageSystemAttribute,flat,Name,Value"`
	MessageDeduplicationId  *string                   `json:"MessageDeduplicationId"`
	MessageGroupId          *string                   `json:"MessageGroupId"`
}

type sendMessageBatchOutput struct {
	Successful []sendMessageResult `json:"Successful,omitempty" query:"SendMessageBatchResultEntry,flat"`
	Failed     []batchError        `json:"Failed,omitempty" query:"BatchResultErrorEntry,flat"`
}

type sendMessageResult struct {
	Id                           string `json:"Id"`
	MessageId                    string `json:"MessageId"`
	MD5OfMessageBody             string `json:"MD5OfMessageBody"`
	MD5OfMessageAttributes       string `json:"MD5OfMessageAttributes,omitempty"`
	MD5OfMessageSystemAttributes string `json:"MD5OfMessageSystemAttributes,omitempty"`
	SequenceNumber               string `json:"SequenceNumber,omitempty"`
}

type batchError struct {
	Id          string `json:"Id"`
	SenderFault bool   `json:"SenderFault"`
	Code        string `json:"Code"`
	Message     string `json:"Message,omitempty"`
}

type receiveMessageInput struct {
	QueueUrl                    string   `json:"QueueUrl"`
	AttributeNames              []string `json:"AttributeNames" query:"AttributeName,flat"`
	MessageSystemAttributeNames []string `json:"MessageSystemAttributeNames" query:"MessageSystemAttributeName,flat"`
	MessageAttributeNames       []string `json:"MessageAttributeNames" query:"MessageAttributeName,flat"`
	MaxNumberOfMessages         *int32   `json:"MaxNumberOfMessages"`
	VisibilityTimeout           *int32   `json:"VisibilityTimeout"`
	WaitTimeSeconds             *int32   `json:"WaitTimeSeconds"`
	ReceiveRequestAttemptId     *string  `json:"ReceiveRequestAttemptId"`
}

type receiveMessageOutput struct {
	Messages []receivedMessage `json:"Messages,omitempty" query:"Message,flat" queryjson:"messages"`
}

type receivedMessage struct {
	MessageId              string                    `json:"MessageId"`
	ReceiptHandle          string                    `json:"ReceiptHandle"`
	MD5OfBody              string                    `json:"MD5OfBody"`
	Body                   string                    `json:"Body"`
	Attributes             map[string]string         `json:"Attributes,omitempty" query:"Attribute,flat,Name,Value"`
	MD5OfMessageAttributes string                    `json:"MD5OfMessageAttributes,omitempty"`
	MessageAttributes      map[string]AttributeValue `json:"MessageAttributes,omitempty" query:"MessageAttribute,flat,Name,Value"`
}

type deleteMessageInput struct {
	QueueUrl      string `json:"QueueUrl"`
	ReceiptHandle string `json:"ReceiptHandle"`
}

type deleteMessageBatchInput struct {
	QueueUrl string               `json:"QueueUrl"`
	Entries  []deleteMessageEntry `json:"Entries" query:"DeleteMessageBatchRequestEntry,flat"`
}

type deleteMessageEntry struct {
	Id            string `json:"Id"`
	ReceiptHandle string `json:"ReceiptHandle"`
}

type deleteMessageBatchOutput struct {
	Successful []batchResult `json:"Successful,omitempty" query:"DeleteMessageBatchResultEntry,flat"`
	Failed     []batchError  `json:"Failed,omitempty" query:"BatchResultErrorEntry,flat"`
}

type batchResult struct {
	Id string `json:"Id"`
}

type changeMessageVisibilityInput struct {
	QueueUrl          string `json:"QueueUrl"`
	ReceiptHandle     string `json:"ReceiptHandle"`
	VisibilityTimeout *int32 `json:"VisibilityTimeout"`
}

type changeMessageVisibilityBatchInput struct {
	QueueUrl string                         `json:"QueueUrl"`
	Entries  []changeMessageVisibilityEntry `json:"Entries" query:"ChangeMessageVisibilityBatchRequestEntry,flat"`
}

type changeMessageVisibilityEntry struct {
	Id                string `json:"Id"`
	ReceiptHandle     string `json:"ReceiptHandle"`
	VisibilityTimeout *int32 `json:"VisibilityTimeout"`
}

type changeMessageVisibilityBatchOutput struct {
	Successful []batchResult `json:"Successful,omitempty" query:"ChangeMessageVisibilityBatchResultEntry,flat"`
	Failed     []batchError  `json:"Failed,omitempty" query:"BatchResultErrorEntry,flat"`
}

type startMessageMoveTaskInput struct {
	SourceArn                    string  `json:"SourceArn"`
	DestinationArn               *string `json:"DestinationArn"`
	MaxNumberOfMessagesPerSecond *int32  `json:"MaxNumberOfMessagesPerSecond"`
}

type startMessageMoveTaskOutput struct {
	TaskHandle string `json:"TaskHandle"`
}

type cancelMessageMoveTaskInput struct {
	TaskHandle string `json:"TaskHandle"`
}

type cancelMessageMoveTaskOutput struct {
	ApproximateNumberOfMessagesMoved int64 `json:"ApproximateNumberOfMessagesMoved"`
}

type listMessageMoveTasksInput struct {
	SourceArn  string `json:"SourceArn"`
	MaxResults *int32 `json:"MaxResults"`
}

type listMessageMoveTasksOutput struct {
	Results []moveTaskResult `json:"Results,omitempty" query:"ListMessageMoveTasksResultEntry,flat"`
}

type moveTaskResult struct {
	TaskHandle                        string  `json:"TaskHandle,omitempty"`
	Status                            string  `json:"Status"`
	SourceArn                         string  `json:"SourceArn"`
	DestinationArn                    *string `json:"DestinationArn,omitempty"`
	MaxNumberOfMessagesPerSecond      *int32  `json:"MaxNumberOfMessagesPerSecond,omitempty"`
	ApproximateNumberOfMessagesMoved  int64   `json:"ApproximateNumberOfMessagesMoved"`
	ApproximateNumberOfMessagesToMove int64   `json:"ApproximateNumberOfMessagesToMove"`
	FailureReason                     string  `json:"FailureReason,omitempty"`
	StartedTimestamp                  int64   `json:"StartedTimestamp"`
}
